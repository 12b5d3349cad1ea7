import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../contracts/errors';
import { describeValue, isJsonObject, readJsonObject, type JsonObject } from './json-file';
import type { ModelConfig } from './model-config';

/** What is used of the class that `@huggingface/tokenizers` exports. */
interface HuggingFaceTokenizer {
  encode(text: string, options: { readonly add_special_tokens: boolean }): { readonly ids: number[] };
  decode(ids: readonly number[], options: { readonly skip_special_tokens: boolean; readonly clean_up_tokenization_spaces: boolean }): string;
  id_to_token(id: number): string | undefined;
  get_vocab(withAddedTokens: boolean): ReadonlyMap<string | undefined, number>;
}

// Required, not imported: the package's own type declarations are an ES module's, with imports that do not resolve from CommonJS.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const huggingFace = require('@huggingface/tokenizers') as { readonly Tokenizer: new (json: object, config: object) => HuggingFaceTokenizer };

/** Text to token ids and back, as a model's own `tokenizer.json` has it. */
export interface Tokenizer {
  /** With the tokenizer's special tokens (a BOS, say). */
  encodePrompt(text: string): number[];
  /** Without special tokens. */
  encodeCompletion(text: string): number[];
  /** Special tokens are skipped. */
  decode(ids: readonly number[]): string;
  /** The token as its vocabulary spells it; undefined for an id that it does not have. */
  tokenOf(id: number): string | undefined;
  /** One more than the highest id. */
  readonly vocabularySize: number;
  /** One more than the highest id that is no added token. */
  readonly baseVocabularySize: number;
}

/**
 * Loads the tokenizer of a model, which must not know more tokens than the model has embeddings. Added tokens may lie beyond them (a
 * padding token often does): those are refused where a text uses them.
 *
 * @throws BadInputError if the tokenizer cannot be used, or is another model's
 */
export function loadModelTokenizer(directory: string, config: ModelConfig): Tokenizer {
  const tokenizer = loadTokenizer(directory);
  if (tokenizer.baseVocabularySize <= config.vocabularySize) return tokenizer;
  throw new BadInputError({
    where: join(directory, 'tokenizer.json'),
    expected: `a vocabulary of at most ${config.vocabularySize} tokens (vocab_size of config.json)`,
    got: `${tokenizer.baseVocabularySize}`,
  });
}

/**
 * Loads the tokenizer of a model directory.
 *
 * @throws BadInputError if `tokenizer.json` is missing, malformed or of a kind that is not supported
 */
export function loadTokenizer(directory: string): Tokenizer {
  const file = join(directory, 'tokenizer.json');
  const configFile = join(directory, 'tokenizer_config.json');
  const json = readJsonObject(file);
  const config = existsSync(configFile) ? readJsonObject(configFile) : {};
  refuseOddIds(file, json);
  let tokenizer: HuggingFaceTokenizer;
  try {
    tokenizer = new huggingFace.Tokenizer(json, config);
  } catch (cause) {
    throw new BadInputError({ where: file, expected: 'a tokenizer of a supported kind', got: String(cause).slice(0, 120) }, { cause });
  }
  // Absent, the field is off: a decoded text is then what the tokens say, spaces before punctuation included.
  const cleanUp = config['clean_up_tokenization_spaces'] === true;
  return {
    encodePrompt: (text) => encode(file, tokenizer, text, true),
    encodeCompletion: (text) => encode(file, tokenizer, text, false),
    decode: (ids) =>
      ids.length === 0 ? '' : tokenizer.decode(ids, { skip_special_tokens: true, clean_up_tokenization_spaces: cleanUp }),
    tokenOf: (id) => tokenizer.id_to_token(id),
    vocabularySize: highestId(tokenizer.get_vocab(true)) + 1,
    baseVocabularySize: highestId(tokenizer.get_vocab(false)) + 1,
  };
}

/** @throws BadInputError where the file's rules break down on the text, or give what is no id */
function encode(file: string, tokenizer: HuggingFaceTokenizer, text: string, withSpecialTokens: boolean): number[] {
  let ids: number[];
  try {
    ids = tokenizer.encode(text, { add_special_tokens: withSpecialTokens }).ids;
  } catch (cause) {
    throw new BadInputError({ where: file, expected: `rules that encode ${describeValue(text)}`, got: String(cause).slice(0, 120) }, { cause });
  }
  const odd = ids.findIndex((id) => !Number.isSafeInteger(id) || id < 0);
  if (odd < 0) return ids;
  throw new BadInputError({ where: file, expected: `token ids of ${describeValue(text)}`, got: describeValue(ids[odd]) });
}

/** Far above any vocabulary, and a number that the library can count to. */
const HIGHEST_ID = (1 << 22) - 1;

/** The library takes any value for an id, and gives it back as a token. */
function refuseOddIds(file: string, { model, added_tokens: added }: JsonObject): void {
  const vocabulary = isJsonObject(model) ? model['vocab'] : undefined;
  const ids = isJsonObject(vocabulary) ? Object.entries(vocabulary) : [];
  const addedIds = Array.isArray(added) ? added.map((token: unknown): [string, unknown] => ['added_tokens', isJsonObject(token) ? token['id'] : token]) : [];
  for (const [token, id] of [...ids, ...addedIds]) {
    if (Number.isSafeInteger(id) && (id as number) >= 0 && (id as number) <= HIGHEST_ID) continue;
    throw new BadInputError({ where: `${file}: id of ${JSON.stringify(token)}`, expected: `a whole number from 0 to ${HIGHEST_ID}`, got: describeValue(id) });
  }
}

/** Ids without a token have an entry too, of no name. */
function highestId(vocabulary: ReadonlyMap<string | undefined, number>): number {
  let highest = -1;
  for (const [token, id] of vocabulary) if (token !== undefined) highest = Math.max(highest, id);
  return highest;
}
