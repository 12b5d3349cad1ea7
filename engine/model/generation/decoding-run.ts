import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ModelConfig } from '../../files/model-config';
import type { FreshKeyValues, KeyValueCache } from './key-value-cache';
import { floats, integerTensor, integers } from '../tensors';

/** Tokens of a row that are run together, behind `start` tokens that are in the cache. */
export interface RowTokens {
  readonly ids: readonly number[];
  readonly start: number;
}

/** What comes after the last token of each row, its logits [V] or only the index of the largest; and the keys and values of the row's tokens. */
export interface RunResult {
  readonly next: (row: number) => NextToken;
  readonly fresh: FreshKeyValues;
}

export type NextToken = { readonly logits: Float32Array } | { readonly token: number };

/** An open decoding graph and what it is run with. */
export interface DecodingSession {
  readonly session: InferenceSession;
  readonly config: ModelConfig;
  readonly onlyTokens: boolean;
}

/**
 * Runs the decoding graph once on N adapters x B rows, n-major, behind what the first R rows of the cache hold. Rows are padded on the
 * right to the longest; what follows a row is seen by no token of it.
 */
export async function runDecoding(
  { session, config, onlyTokens }: DecodingSession,
  adapters: { readonly count: number; readonly feeds: Record<string, Tensor> },
  rows: readonly RowTokens[],
  cache: KeyValueCache,
): Promise<RunResult> {
  const R = rows.length;
  const T = Math.max(...rows.map(({ ids }) => ids.length));
  const ids = new BigInt64Array(R * T);
  const positions = new BigInt64Array(R * T);
  const selected = new BigInt64Array(R);
  rows.forEach((row, r) => {
    selected[r] = BigInt(r * T + row.ids.length - 1);
    for (let t = 0; t < T; t += 1) {
      ids[r * T + t] = BigInt(row.ids[t] ?? 0);
      positions[r * T + t] = BigInt(row.start + t);
    }
  });
  const feeds = {
    ids: integerTensor(ids, [adapters.count, R / adapters.count, T]),
    positions: integerTensor(positions, [R, T]),
    lengths: integerTensor(BigInt64Array.from(rows, ({ start }) => BigInt(start)), [R, 1]),
    selected: integerTensor(selected, [R]),
    ...cache.feeds(),
    ...adapters.feeds,
  };
  const keyValues = session.outputNames.filter((name) => name.startsWith('keys.') || name.startsWith('values.'));
  const run = (...wanted: string[]): ReturnType<InferenceSession['run']> => session.run(feeds, [...keyValues, ...wanted]);
  const freshOf = (results: Awaited<ReturnType<typeof run>>): FreshKeyValues => ({ tokens: T, named: (name) => floats(results[name]) });
  if (onlyTokens) {
    const results = await run('tokens', 'sums');
    const tokens = integers(results['tokens']);
    if (floats(results['sums']).every(Number.isFinite)) return { next: (r) => ({ token: Number(tokens[r]) }), fresh: freshOf(results) };
    // Once more, for the logits that tell what is wrong.
  }
  const results = await run('logits');
  const logits = floats(results['logits']);
  const V = config.vocabularySize;
  return { next: (r) => ({ logits: logits.subarray(r * V, (r + 1) * V) }), fresh: freshOf(results) };
}
