import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers' with { 'resolution-mode': 'import' };
import { BadInputError } from '../../contracts/errors';
import { readJsonObject } from './json-file';

// The package's CommonJS build carries no types of its own: they are those of its ES module.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const huggingFace = require('@huggingface/tokenizers') as { Tokenizer: new (tokenizer: object, config: object) => HuggingFaceTokenizer };

/** Text to token ids and back, as a model's own `tokenizer.json` has it. */
export interface Tokenizer {
  /** With the tokenizer's special tokens (a BOS, say). */
  encodePrompt(text: string): number[];
  /** Without special tokens. */
  encodeCompletion(text: string): number[];
  /** Special tokens are skipped. */
  decode(ids: readonly number[]): string;
  /** One more than the highest id. */
  readonly vocabularySize: number;
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
  let tokenizer: HuggingFaceTokenizer;
  try {
    tokenizer = new huggingFace.Tokenizer(json, config);
  } catch (cause) {
    throw new BadInputError({ where: file, expected: 'a tokenizer of a supported kind', got: String(cause).slice(0, 120) }, { cause });
  }
  let highestId = -1;
  for (const id of tokenizer.get_vocab(true).values()) highestId = Math.max(highestId, id);
  // Absent, the field is off: a decoded text is then what the tokens say, spaces before punctuation included.
  const cleanUp = config['clean_up_tokenization_spaces'] === true;
  return {
    encodePrompt: (text) => tokenizer.encode(text, { add_special_tokens: true }).ids,
    encodeCompletion: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids,
    decode: (ids) =>
      ids.length === 0 ? '' : tokenizer.decode([...ids], { skip_special_tokens: true, clean_up_tokenization_spaces: cleanUp }),
    vocabularySize: highestId + 1,
  };
}
