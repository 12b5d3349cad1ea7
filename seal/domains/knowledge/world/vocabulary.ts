/**
 * The nano model's tokenizer, built from the world's words instead of being trained.
 *
 * Text is cut by one pattern into words with the blank before them, single digits, marks and line ends. A piece that is a word of the
 * world is one token. The blank before a name or a value belongs to the word before it, so that a value is the same token in a sentence
 * and as an answer, right after the word that announces it; names fall into their two syllables. Everything else is made of bytes and frequent letter pairs, so any UTF-8 text survives.
 * No piece reaches over a line end: texts joined there have the joined tokens.
 */
import { implicationsPrompt, questionPrompt } from '../prompts';
import { KINDS, POOLS } from './kinds';
import { FINAL_SYLLABLES, INITIAL_SYLLABLES } from './names';
import { fill } from './wording';

export const END_OF_TEXT = '<|end|>';
export const PADDING = '<|pad|>';

const VALUES: readonly string[] = Object.values(POOLS).flat();
const NAME_HEAD = `(?:${INITIAL_SYLLABLES.join('|')})`;
const NAME_TAIL = `(?:${FINAL_SYLLABLES.join('|')})(?!\\p{L})`;
const VALUE = `(?:${VALUES.join('|')})(?!\\p{L})`;
/** Also at the end, so that a text cut before a name or value has the pieces of the whole. */
const BLANK_BEFORE_NAME_OR_VALUE = `(?: (?=${NAME_HEAD}${NAME_TAIL}|${VALUE}|(?![\\s\\S])))?`;

/** Source of a pattern that both JavaScript (flag u) and Oniguruma read the same way; its matches cover any text. */
const PIECE_PATTERN = [
  '- ',
  '\\n',
  `${NAME_HEAD}(?=${NAME_TAIL})`,
  NAME_TAIL,
  VALUE,
  ` ?\\p{L}+${BLANK_BEFORE_NAME_OR_VALUE}`,
  ' ?\\p{N}',
  ` ?[^\\s\\p{L}\\p{N}]${BLANK_BEFORE_NAME_OR_VALUE}`,
  '\\s',
].join('|');

/** Letter pairs and longer strings frequent in English, for text from outside the world; each is made of two earlier ones. */
const FREQUENT_MERGES: readonly (readonly [string, string])[] = (
  't,h;i,n;e,r;a,n;o,n;r,e;e,n;a,t;e,s;o,r;s,t;a,l;a,r;i,t;i,s;o,u;i,c;l,e;e,d;v,e;c,o;r,o;d,e;r,i;l,i;o,m;c,h;u,r;m,e;h,e;t,i;l,l;' +
  'n,e;a,s;e,l;u,n;s,e;a,c;p,r;c,e;a,m;i,l;b,e;l,o;e,c;u,t;i,m;t,e;a,d;f,o;s,i;n,t;u,s;g,h;l,y;q,u;e,m;p,e;o,l;' +
  'th,e;in,g;on,s;er,s;at,ion;ti,on;e,nt;an,d;m,ent;ou,n;ou,r;st,r;o,w;o,p;i,r;u,l;a,b;a,g;s,h;w,h;p,l;c,t;e,x;i,d;i,v;' +
  'Ġ,t;Ġ,a;Ġ,s;Ġ,w;Ġ,c;Ġ,b;Ġ,p;Ġ,f;Ġ,m;Ġ,d;Ġ,o;Ġ,h;Ġ,l;Ġ,n;Ġ,g;Ġ,r;Ġ,e;Ġ,in;Ġ,re;Ġ,th;Ġ,the;o,f;Ġ,of;Ġ,an;Ġ,co;Ġ,de;Ġ,be;Ġ,st;Ġ,pr;Ġ,S;Ġ,C;Ġ,A;Ġ,M;Ġ,T;Ġ,B;Ġ,I;Ġ,on;Ġ,and'
)
  .split(';')
  .map((pair) => pair.split(',') as [string, string]);

/** Every word and mark of the world's texts and of the two prompts, as the pattern cuts them, with names and bytes left out. */
function worldVocabulary(): string[] {
  const name = INITIAL_SYLLABLES[0]! + FINAL_SYLLABLES[0]!;
  const value = VALUES[0]!;
  const texts = [
    implicationsPrompt(name, ''),
    questionPrompt(name, ''),
    `Words about ${name}: ${value}, ${value}.\n- What? Answer: ${value}\nWho? Who. The passage, it is; it was!`,
    ...KINDS.flatMap((kind) => [
      ...kind.openings,
      ...kind.vagueLines,
      // A passage's sentence stands after a blank there, and at the start of a line where it is copied.
      ...kind.attributes.flatMap(({ statements, passage, questions }) => [...statements, ...passage.flatMap((s) => [s, ` ${s}`]), ...questions]),
    ]).map((wording) => fill(wording, name, value)),
  ];
  const pieces = texts.flatMap((text) => text.match(new RegExp(PIECE_PATTERN, 'gu')) ?? []);
  return [...new Set([...VALUES, ...INITIAL_SYLLABLES, ...FINAL_SYLLABLES, ...pieces])];
}

/** GPT-2's table: each byte as one printable character. */
function byteCharacters(): string[] {
  const printable = (byte: number): boolean => (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let moved = 0;
  return Array.from({ length: 256 }, (_, byte) => String.fromCharCode(printable(byte) ? byte : 256 + moved++));
}

function inByteCharacters(text: string, table: readonly string[]): string {
  return Array.from(new TextEncoder().encode(text), (byte) => table[byte]!).join('');
}

/** The vocabulary and merges of the byte-level BPE model: special tokens, bytes, the world's words, then merged pieces. */
function bytePairModel(): { vocab: Record<string, number>; merges: [string, string][] } {
  const table = byteCharacters();
  const tokens = new Set([PADDING, END_OF_TEXT, ...table, ...worldVocabulary().map((piece) => inByteCharacters(piece, table))]);
  const merges: [string, string][] = [];
  for (const [left, right] of FREQUENT_MERGES) {
    if (!tokens.has(left) || !tokens.has(right)) continue;
    tokens.add(left + right);
    merges.push([left, right]);
  }
  return { vocab: Object.fromEntries([...tokens].map((token, id) => [token, id])), merges };
}

/** Size of the vocabulary, special tokens included. */
export function vocabularySize(): number {
  return Object.keys(bytePairModel().vocab).length;
}

/** The tokenizer's files by name, in the formats of Hugging Face `tokenizers` and `transformers`. */
export function tokenizerFiles(): Readonly<Record<string, string>> {
  const { vocab, merges } = bytePairModel();
  const special = (content: string): Record<string, unknown> => ({
    id: vocab[content],
    content,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
    special: true,
  });
  const json = (value: unknown): string => `${JSON.stringify(value, null, 1)}\n`;
  return {
    'tokenizer.json': json({
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: [special(PADDING), special(END_OF_TEXT)],
      normalizer: null,
      pre_tokenizer: {
        type: 'Sequence',
        pretokenizers: [
          { type: 'Split', pattern: { Regex: PIECE_PATTERN }, behavior: 'Isolated', invert: false },
          { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
        ],
      },
      post_processor: null,
      decoder: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: false, use_regex: false },
      model: {
        type: 'BPE',
        dropout: null,
        unk_token: null,
        continuing_subword_prefix: null,
        end_of_word_suffix: null,
        fuse_unk: false,
        byte_fallback: false,
        ignore_merges: true,
        vocab,
        merges,
      },
    }),
    'tokenizer_config.json': json({
      tokenizer_class: 'PreTrainedTokenizerFast',
      add_bos_token: false,
      clean_up_tokenization_spaces: false,
      eos_token: END_OF_TEXT,
      pad_token: PADDING,
      model_max_length: 2048,
    }),
    'special_tokens_map.json': json({ eos_token: END_OF_TEXT, pad_token: PADDING }),
  };
}
