import { join } from 'node:path';
import { BadInputError } from '../../campaign/errors';
import type { ParseSpecial } from '../../campaign/language-model';
import { describeValue, readJsonObject } from './json-file';
import type { ModelConfig } from './model-config';
import { AddedTokens, readAddedTokens } from './tokenizer/added-tokens';
import { readDecoder } from './tokenizer/decoder';
import { readModel } from './tokenizer/model';
import { readNormalizer } from './tokenizer/normalizer';
import { readPostProcessor } from './tokenizer/post-processor';
import { readPreTokenizer } from './tokenizer/pre-tokenizer';

/**
 * Text to token ids and back, as Python's `tokenizers` does it with a model's own `tokenizer.json`. Special tokens that a text spells out
 * are plain text (`encode_special_tokens`) but where `parseSpecial` says otherwise. @default false: nowhere
 */
export interface Tokenizer {
  /** With what the tokenizer puts around a text (a BOS, say). */
  encodePrompt(text: string, parseSpecial?: ParseSpecial): number[];
  /** Nothing is put around it. */
  encodeCompletion(text: string, parseSpecial?: ParseSpecial): number[];
  /** Special tokens are skipped, and ids without a token. */
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

const FIELDS = ['version', 'truncation', 'padding', 'added_tokens', 'normalizer', 'pre_tokenizer', 'post_processor', 'decoder', 'model'];

/**
 * Loads the tokenizer of a model directory.
 *
 * @throws BadInputError if `tokenizer.json` is missing or malformed, or naming its field that is not known to give the ids that it gives in
 * Python
 */
export function loadTokenizer(directory: string): Tokenizer {
  const file = join(directory, 'tokenizer.json');
  const json = readJsonObject(file);
  const where = (field: string): string => `${file}: ${field}`;
  const refuse = (field: string, expected: string): never => {
    throw new BadInputError({ where: where(field), expected, got: describeValue(json[field]) });
  };
  const odd = Object.keys(json).find((field) => !FIELDS.includes(field));
  if (odd !== undefined) refuse(odd, 'no such field');
  if ((json['truncation'] ?? null) !== null) refuse('truncation', 'null: no text is cut');
  if (!padsNothing(json['padding'] ?? null)) refuse('padding', 'null, or the strategy BatchLongest: no text is padded');

  const normalizer = readNormalizer(json['normalizer'] ?? null, where('normalizer'));
  const model = readModel(json['model'], where('model'), normalizer?.(' ').includes(' ') !== false);
  const added = readAddedTokens(json['added_tokens'] ?? [], where('added_tokens'), model);
  const preTokenizer = readPreTokenizer(json['pre_tokenizer'] ?? null, where('pre_tokenizer'));
  const { before, after } = readPostProcessor(json['post_processor'] ?? null, where('post_processor'));
  const decoder = readDecoder(json['decoder'] ?? null, where('decoder'));

  const addedTokens = new AddedTokens(added, normalizer);
  const tokens = new Map([...model.vocabulary, ...added.map(({ content, id }) => [content, id] as const)].map(([token, id]) => [id, token]));
  const special = new Set(added.filter((token) => token.special).map(({ content }) => content));
  const addedContents = new Set(added.map(({ content }) => content));

  const encode = (text: string, parseSpecial: ParseSpecial = false): number[] =>
    addedTokens.split(text, parseSpecial).flatMap((section) => {
      if ('id' in section) return [section.id];
      const whole = [{ text: section.text, isFirst: section.from === 0 }];
      return (preTokenizer?.(whole) ?? whole).flatMap((piece) => model.encode(piece.text));
    });
  return {
    encodePrompt: (text, parseSpecial) => [...before, ...encode(text, parseSpecial), ...after],
    encodeCompletion: encode,
    decode(ids) {
      const known = ids.map((id) => tokens.get(id)).filter((token) => token !== undefined);
      return decoder(known.filter((token) => !special.has(token))).join('');
    },
    tokenOf: (id) => tokens.get(id),
    vocabularySize: highestOf(tokens.keys()) + 1,
    baseVocabularySize: highestOf([...tokens].filter(([, token]) => !addedContents.has(token)).map(([id]) => id)) + 1,
  };
}

/** Padding of a single text to its own length. */
function padsNothing(padding: unknown): boolean {
  if (padding === null) return true;
  const { strategy, pad_to_multiple_of: multiple = null } = padding as Record<string, unknown>;
  return strategy === 'BatchLongest' && multiple === null;
}

function highestOf(ids: Iterable<number>): number {
  let highest = -1;
  for (const id of ids) highest = Math.max(highest, id);
  return highest;
}
