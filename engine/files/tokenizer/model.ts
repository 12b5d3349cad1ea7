import { BadInputError } from '../../../campaign/errors';
import { describeValue, type JsonObject } from '../json-file';
import { type Component, type Readers, readComponent } from './component';
import { huggingFace } from './hugging-face';

/** A vocabulary, and how a piece of text is spelt in it. */
export interface SubwordModel {
  readonly vocabulary: ReadonlyMap<string, number>;
  encode(piece: string): number[];
}

/**
 * @param seesBlanks whether the normalizer leaves blanks in a text
 * @throws BadInputError naming the field that is not known to do what Python's does
 */
export function readModel(value: unknown, where: string, seesBlanks: boolean): SubwordModel {
  return readComponent(value, where, models(seesBlanks));
}

const models = (seesBlanks: boolean): Readers<SubwordModel> => ({
  BPE: (component) => {
    const vocab = component.object('vocab');
    const vocabulary = readVocabulary(vocab, component.at('vocab'));
    component.oneOf('dropout', [null, undefined, 0]);
    component.oneOf('continuing_subword_prefix', [null, undefined, '']);
    component.oneOf('end_of_word_suffix', [null, undefined, '']);
    const unk_token = readUnknown(component, vocabulary);
    const ignore_merges = component.oneOf('ignore_merges', [true, false, undefined]) ?? false;
    const byte_fallback = component.oneOf('byte_fallback', [true, false, undefined]) ?? false;
    if (byte_fallback) refuseMissingBytes(vocabulary, component.at('byte_fallback'));
    // Where every byte has a token, nothing is unknown.
    component.oneOf('fuse_unk', byte_fallback || unk_token === null ? [true, false, undefined] : [false, undefined]);
    // Older files write a merge of blanks as three blanks or more, which nobody can read back, and which applies to blanks alone.
    const isUnreadable = (merge: unknown): boolean => typeof merge === 'string' && merge.split(' ').length > 2;
    const merges = component
      .list('merges', (merge, where) => (!seesBlanks && isUnreadable(merge) ? [] : [readMerge(merge, where, vocabulary)]))
      .flat();
    const model = new huggingFace.BPE({ vocab, merges, unk_token, byte_fallback });
    const knowsAll = unk_token !== null || byte_fallback;
    return {
      vocabulary,
      encode(piece) {
        const whole = ignore_merges ? vocabulary.get(piece) : undefined;
        if (whole !== undefined) return [whole];
        // What is unknown and has no token is as if it were not there: its neighbours may merge.
        const known = knowsAll ? piece : Array.from(piece).filter((character) => vocabulary.has(character)).join('');
        return idsOf(vocabulary, model([known]));
      },
    };
  },
  WordPiece: (component) => {
    const vocab = component.object('vocab');
    const vocabulary = readVocabulary(vocab, component.at('vocab'));
    const unk_token = readUnknown(component, vocabulary) ?? component.refuse('unk_token', 'a token');
    const continuing_subword_prefix = component.text('continuing_subword_prefix');
    const max_input_chars_per_word = component.wholeNumber('max_input_chars_per_word');
    const model = new huggingFace.WordPiece({ vocab, unk_token, continuing_subword_prefix, max_input_chars_per_word });
    return { vocabulary, encode: (piece) => idsOf(vocabulary, model([piece])) };
  },
});

function idsOf(vocabulary: SubwordModel['vocabulary'], tokens: readonly string[]): number[] {
  return tokens.map((token) => vocabulary.get(token) as number);
}

/** Far above any vocabulary, and a number that the library can count to. */
const HIGHEST_ID = (1 << 22) - 1;

function readVocabulary(vocab: JsonObject, where: string): Map<string, number> {
  const entries = Object.entries(vocab);
  const odd = entries.find(([, id]) => !(Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) <= HIGHEST_ID));
  if (odd === undefined) return new Map(entries as [string, number][]);
  throw new BadInputError({ where: `${where}[${JSON.stringify(odd[0])}]`, expected: `a whole number from 0 to ${HIGHEST_ID}`, got: describeValue(odd[1]) });
}

function readUnknown(component: Component, vocabulary: SubwordModel['vocabulary']): string | null {
  const token = component.value('unk_token') ?? null;
  if (token === null) return null;
  return typeof token === 'string' && vocabulary.has(token) ? token : component.refuse('unk_token', 'a token of the vocabulary, or null');
}

const BYTE_TOKEN = /^<0x[0-9A-F]{2}>$/;

function refuseMissingBytes(vocabulary: SubwordModel['vocabulary'], where: string): void {
  const tokens = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const missing = tokens.find((token) => !vocabulary.has(token));
  if (missing !== undefined) throw new BadInputError({ where, expected: 'false, or a token for every byte', got: `true without ${missing}` });
}

/** Two tokens that make a third: `["a", "b"]`, in older files `"a b"`. Python refuses others too, but merges of bytes. */
function readMerge(merge: unknown, where: string, vocabulary: SubwordModel['vocabulary']): [string, string] {
  const parts: readonly unknown[] = typeof merge === 'string' ? merge.split(' ') : Array.isArray(merge) ? (merge as unknown[]) : [];
  const [left, right] = parts;
  if (parts.length === 2 && typeof left === 'string' && typeof right === 'string' && [left, right, left + right].every((token) => vocabulary.has(token)) && ![left, right].some((token) => BYTE_TOKEN.test(token))) {
    return [left, right];
  }
  throw new BadInputError({ where, expected: 'two tokens that make a third, none a byte', got: describeValue(merge) });
}
