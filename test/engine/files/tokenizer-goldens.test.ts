import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../../campaign/errors';
import { loadTokenizer, type Tokenizer } from '../../../engine/files/tokenizer';
import { GOLDEN, SHARED_DATA } from '../../golden/golden-values';
import { useTemporaryDirectory } from './temporary-directory';

interface GoldenTokens {
  readonly rows: readonly { readonly text: string; readonly ids: readonly number[]; readonly plain?: readonly number[]; readonly decoded?: string }[];
  readonly drawn: readonly { readonly ids: readonly number[]; readonly text: string }[];
}

interface Goldens {
  readonly models: Readonly<Record<string, object>>;
  readonly kinds: readonly (GoldenTokens & { readonly name: string; readonly model: string; readonly model_fields: object; readonly parts: object })[];
  readonly files: readonly (GoldenTokens & { readonly file: string })[];
}

const goldens = JSON.parse(readFileSync(join(GOLDEN, 'tokenizers.json'), 'utf8')) as Goldens;
const directory = useTemporaryDirectory();

function compare(tokenizer: Tokenizer, { rows, drawn }: GoldenTokens): void {
  const ours = rows.map(({ text, ids }) => ({ text, ids: tokenizer.encodePrompt(text, true), plain: tokenizer.encodePrompt(text), decoded: tokenizer.decode(ids) }));
  expect(ours).toEqual(rows.map(({ text, ids, plain = ids, decoded = text }) => ({ text, ids, plain, decoded })));
  expect(drawn.map(({ ids }) => ({ ids, text: tokenizer.decode(ids) }))).toEqual(drawn);
}

it.each(goldens.kinds)("token ids and texts that are not those of Python's tokenizers: $name", (golden) => {
  const model = { ...goldens.models[golden.model], ...golden.model_fields };
  mkdirSync(directory.path('model'));
  writeFileSync(directory.path('model', 'tokenizer.json'), JSON.stringify({ version: '1.0', ...golden.parts, model }));
  compare(loadTokenizer(directory.path('model')), golden);
});

describe.each(goldens.files)('$file', ({ file, ...golden }) => {
  const path = file.startsWith('shared data ') ? join(SHARED_DATA, file.slice('shared data '.length)) : join(GOLDEN, '../..', file);
  (existsSync(path) ? it : it.skip)("has token ids and texts that are not those of Python's tokenizers", () => {
    compare(loadTokenizer(path), golden);
  });
});

describe('what the tokenizer library would encode in a way of its own is refused by its field', () => {
  type Fields = Record<string, unknown>;
  const byteLevel = { type: 'ByteLevel', add_prefix_space: false, use_regex: false };
  const metaspace = { type: 'Metaspace', replacement: '▁', prepend_scheme: 'always', split: false };
  const split = { type: 'Split', pattern: { String: ' ' }, behavior: 'Isolated', invert: false };
  const pattern = (Regex: string): Fields => ({ pre_tokenizer: { ...split, pattern: { Regex } } });
  const token = { id: 3, content: '<x>', special: true, single_word: false, lstrip: false, rstrip: false, normalized: false };
  const template = { type: 'TemplateProcessing', single: [{ Sequence: { id: 'A', type_id: 0 } }], pair: [], special_tokens: {} };
  const model = { type: 'BPE', vocab: { a: 0, b: 1, ab: 2 }, merges: [['a', 'b']] };

  it.each<[field: string, message: string, change: Fields]>([
    ['an unknown field', 'extra: expected no such field, got 1', { extra: 1 }],
    ['truncation', 'truncation: expected null: no text is cut, got {"max_length":2}', { truncation: { max_length: 2 } }],
    ['padding to a length', 'padding: expected null, or the strategy BatchLongest', { padding: { strategy: { Fixed: 8 } } }],
    ['padding to a multiple', 'padding: expected null, or the strategy BatchLongest', { padding: { strategy: 'BatchLongest', pad_to_multiple_of: 8 } }],
    ...['NFD', 'NFKC', 'NFKD', 'Lowercase', 'Strip', 'StripAccents', 'BertNormalizer', 'Precompiled', 'Nmt', 'ByteLevel'].map((type): [string, string, Fields] => [
      `the normalizer ${type}`,
      `normalizer.normalizers[1].type: expected one of Sequence, Prepend, Replace, NFC, got "${type}"`,
      { normalizer: { type: 'Sequence', normalizers: [{ type: 'NFC' }, { type }] } },
    ]),
    ['a normalizer by regular expression', 'normalizer.pattern: expected {"String": a text}, got {"Regex":" +"}', { normalizer: { type: 'Replace', pattern: { Regex: ' +' }, content: '' } }],
    ...['Punctuation', 'Whitespace', 'BertPreTokenizer', 'UnicodeScripts', 'CharDelimiterSplit', 'FixedLength', 'Replace'].map((type): [string, string, Fields] => [
      `the pre-tokenizer ${type}`,
      `pre_tokenizer.type: expected one of Sequence, Split, Digits, WhitespaceSplit, ByteLevel, Metaspace, got "${type}"`,
      { pre_tokenizer: { type, behavior: 'Isolated' } },
    ]),
    ['a behavior in another spelling', 'pre_tokenizer.behavior: expected "Removed" or "Isolated"', { pre_tokenizer: { ...split, behavior: 'isolated' } }],
    ['a Split without invert', 'pre_tokenizer.invert: expected true or false, got nothing', { pre_tokenizer: { ...split, invert: undefined } }],
    ['a possessive quantifier', 'pre_tokenizer.pattern.Regex: expected a regular expression that means the same in Python, got "?+\\\\p{L}"', pattern(String.raw`\p{N}?+\p{L}`)],
    ['a lazy interval', 'got "{2}?"', pattern('a{2}?')],
    ['letters of any case', 'got "(?i:ss)"', pattern('a(?i:ss)')],
    ['a digit class', String.raw`got "\\d+"`, pattern(String.raw`\d+`)],
    ['a word class', String.raw`got "\\w+"`, pattern(String.raw`\w+`)],
    ['a script', String.raw`got "\\p{Han}+"`, pattern(String.raw`\p{Han}+`)],
    ['an intersection of classes', 'got "[a&&b]"', pattern('[a&&b]')],
    ['look-behind', 'got "(?<=a)b"', pattern('(?<=a)b')],
    ['a group that nobody closes', 'got "(a"', pattern('(a')],
    ['Metaspace as it was before prepend_scheme', 'pre_tokenizer.prepend_scheme: expected "always" or "first" or "never", got nothing', { pre_tokenizer: { ...metaspace, prepend_scheme: undefined } }],
    ['Metaspace of two minds', 'pre_tokenizer.add_prefix_space: expected nothing or true, got false', { pre_tokenizer: { ...metaspace, add_prefix_space: false } }],
    ['ByteLevel with a field of tomorrow', 'pre_tokenizer.pretokenizers[1].mode: expected no such field, got 1', { pre_tokenizer: { type: 'Sequence', pretokenizers: [byteLevel, { ...byteLevel, mode: 1 }] } }],
    ...['Unigram', 'WordLevel'].map((type): [string, string, Fields] => [`the model ${type}`, `model.type: expected one of BPE, WordPiece, got "${type}"`, { model: { ...model, type } }]),
    ['a model without a type', 'model.type: expected one of BPE, WordPiece, got nothing', { model: { ...model, type: undefined } }],
    ['dropout', 'model.dropout: expected null or nothing or 0, got 0.1', { model: { ...model, dropout: 0.1 } }],
    ['a prefix of subwords', 'model.continuing_subword_prefix: expected null or nothing or "", got "##"', { model: { ...model, continuing_subword_prefix: '##' } }],
    ['a suffix of words', 'model.end_of_word_suffix: expected null or nothing or "", got "</w>"', { model: { ...model, end_of_word_suffix: '</w>' } }],
    ['an unknown token of no vocabulary', 'model.unk_token: expected a token of the vocabulary, or null, got "<unk>"', { model: { ...model, unk_token: '<unk>' } }],
    ['unknown characters as one token', 'model.fuse_unk: expected false or nothing, got true', { model: { ...model, unk_token: 'a', fuse_unk: true } }],
    ['byte fallback without every byte', 'model.byte_fallback: expected false, or a token for every byte, got true without <0x00>', { model: { ...model, byte_fallback: true } }],
    ['a merge of no token', 'model.merges[1]: expected two tokens that make a third, none a byte, got ["b","a"]', { model: { ...model, merges: ['a b', ['b', 'a']] } }],
    ['a merge that cannot be read', 'model.merges[0]: expected two tokens that make a third, none a byte, got "   "', { model: { ...model, merges: ['   '] } }],
    ['the post-processor BertProcessing', 'post_processor.type: expected one of ByteLevel, Sequence, TemplateProcessing, got "BertProcessing"', { post_processor: { type: 'BertProcessing' } }],
    ['two templates', 'post_processor.processors: expected at most one TemplateProcessing, got "2"', { post_processor: { type: 'Sequence', processors: [template, { ...template }] } }],
    ['a template with the text twice', 'post_processor.single: expected the sequence A once', { post_processor: { ...template, single: [...template.single, ...template.single] } }],
    ['a template with a token that it does not explain', 'post_processor.single: expected the sequence A and special_tokens with their ids, got "nothing"', { post_processor: { ...template, single: [{ SpecialToken: { id: '<s>' } }] } }],
    ...['CTC', 'BPEDecoder'].map((type): [string, string, Fields] => [`the decoder ${type}`, `decoder.decoders[0].type: expected one of Sequence, ByteLevel,`, { decoder: { type: 'Sequence', decoders: [{ type }] } }]),
    ['a decoder that cleans up', 'decoder.cleanup: expected false, got true', { decoder: { type: 'WordPiece', prefix: '##', cleanup: true } }],
    ['an added token of whole words', 'added_tokens[0].single_word: expected false, got true', { added_tokens: [{ ...token, single_word: true }] }],
    ['an added token with a gap before its id', 'added_tokens[0].id: expected 3, got 5', { added_tokens: [{ ...token, id: 5 }] }],
    ['an added token that the vocabulary has elsewhere', 'added_tokens[0].id: expected 2, got 3', { added_tokens: [{ ...token, content: 'ab' }] }],
    ['a token that is added twice', 'added_tokens[1].content: expected a token that is added once, got "<x>"', { added_tokens: [token, token] }],
    ['an added token without a flag', 'added_tokens[0].rstrip: expected true or false, got nothing', { added_tokens: [{ ...token, rstrip: undefined }] }],
  ])('%s', (_field, message, change) => {
    mkdirSync(directory.path('model'));
    writeFileSync(directory.path('model', 'tokenizer.json'), JSON.stringify({ model, ...change }));
    expect(() => loadTokenizer(directory.path('model'))).toThrow(BadInputError);
    expect(() => loadTokenizer(directory.path('model'))).toThrow(message);
  });
});
