import { BadInputError } from '../../contracts/errors';
import type { TrainingRow } from '../../contracts/language-model';
import type { ModelConfig } from '../files/model-config';
import type { Tokenizer } from '../files/tokenizer';

/** A row as the model sees it. The loss falls on ids[lossFrom..]. */
export interface TokenRow {
  readonly ids: readonly number[];
  /** At least 1: nothing predicts the first token. */
  readonly lossFrom: number;
}

export interface RowOptions {
  /** A completion ends with the model's EOS: for training, not for scoring. */
  readonly appendEos: boolean;
  /** What an error calls the row. */
  readonly where: string;
}

/**
 * Encodes a row: a prompt (or a text) with the tokenizer's special tokens, a completion without, the ids joined.
 *
 * @throws BadInputError if the row has no token to learn or score, is longer than the model's context, or has an id out of vocabulary
 */
export function tokeniseRow(row: TrainingRow, tokenizer: Tokenizer, config: ModelConfig, options: RowOptions): TokenRow {
  const { where } = options;
  const prompt = tokenizer.encodePrompt('text' in row ? row.text : row.prompt);
  const completion = 'text' in row ? [] : tokenizer.encodeCompletion(row.completion);
  const eos = 'text' in row || !options.appendEos ? [] : endOfSequence(config, where);
  const ids = [...prompt, ...completion, ...eos];
  const lossFrom = Math.max(1, 'text' in row ? 1 : prompt.length);
  if (ids.length <= lossFrom) {
    throw new BadInputError({ where, expected: 'at least one token to predict', got: `${ids.length} tokens, ${Math.min(lossFrom, ids.length)} of them given` });
  }
  checkIds(ids, config, where);
  return { ids, lossFrom };
}

function endOfSequence(config: ModelConfig, where: string): number[] {
  const [eos] = config.eosTokenIds;
  if (eos === undefined) throw new BadInputError({ where, expected: 'a model with eos_token_id in its config.json', got: 'none' });
  return [eos];
}

/** @throws BadInputError if there are more ids than the context holds, or one that is not in the vocabulary */
export function checkIds(ids: readonly number[], config: ModelConfig, where: string): void {
  if (ids.length > config.contextLength) {
    throw new BadInputError({ where, expected: `at most ${config.contextLength} tokens (the model's context)`, got: `${ids.length}` });
  }
  const outside = ids.find((id) => id >= config.vocabularySize);
  if (outside !== undefined) {
    throw new BadInputError({ where, expected: `token ids below ${config.vocabularySize} (the model's vocabulary)`, got: `${outside}` });
  }
}

/** Rows of N adapters laid out for a graph: int64 and float32 arrays over [N, B, T]. */
export interface TokenBatch {
  readonly N: number;
  readonly B: number;
  readonly T: number;
  readonly ids: BigInt64Array;
  /** [B*N, T]. */
  readonly positions: BigInt64Array;
  /** The next token at each place, 0 where there is none. */
  readonly labels: BigInt64Array;
  /** 1/n at each of an adapter's n loss tokens, 0 elsewhere. */
  readonly weights: Float32Array;
  /** n of each adapter. */
  readonly lossTokens: readonly number[];
}

/** Pads rows on the right to the longest. Adapters with fewer rows get empty ones, without weight. */
export function batchRows(rowsByAdapter: readonly (readonly TokenRow[])[]): TokenBatch {
  const N = rowsByAdapter.length;
  const B = Math.max(...rowsByAdapter.map((rows) => rows.length));
  const T = Math.max(...rowsByAdapter.flat().map(({ ids }) => ids.length));
  const ids = new BigInt64Array(N * B * T);
  const labels = new BigInt64Array(N * B * T);
  const weights = new Float32Array(N * B * T);
  const lossTokens = rowsByAdapter.map((rows) => rows.reduce((sum, row) => sum + row.ids.length - row.lossFrom, 0));
  rowsByAdapter.forEach((rows, n) => {
    const weight = 1 / (lossTokens[n] as number);
    rows.forEach((row, b) => {
      const start = (n * B + b) * T;
      row.ids.forEach((id, t) => {
        ids[start + t] = BigInt(id);
        if (t > 0) labels[start + t - 1] = BigInt(id);
        if (t >= row.lossFrom) weights[start + t - 1] = weight;
      });
    });
  });
  return { N, B, T, ids, positions: countingPositions(N * B, T), labels, weights, lossTokens };
}

/** 0, 1, ..., T-1 in each of R rows. */
export function countingPositions(R: number, T: number): BigInt64Array {
  return BigInt64Array.from({ length: R * T }, (_, i) => BigInt(i % T));
}
