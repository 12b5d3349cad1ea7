import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { ModelConfig } from '../files/model-config';
import type { KeyValueCache } from './key-value-cache';
import { floats, integerTensor, integers } from './tensors';

/** Tokens of a row that are run together, behind `start` tokens that are in the cache. */
export interface RowTokens {
  readonly ids: readonly number[];
  readonly start: number;
}

/** What comes after the last token of each row: its logits [V], or only the index of the largest. */
export type NextTokens = { readonly logits: readonly Float32Array[] } | { readonly tokens: readonly number[] };

/** An open decoding graph and what it is run with. */
export interface DecodingSession {
  readonly session: InferenceSession;
  readonly config: ModelConfig;
  readonly onlyTokens: boolean;
}

/**
 * Runs the decoding graph once on N adapters x B rows, n-major, and writes their keys and values into the first R rows of the cache.
 * Rows are padded on the right to the longest; the slots that get the padding are seen by nobody before a token of the row takes them.
 */
export async function runDecoding(
  { session, config, onlyTokens }: DecodingSession,
  adapters: { readonly count: number; readonly feeds: Record<string, Tensor> },
  rows: readonly RowTokens[],
  cache: KeyValueCache,
): Promise<NextTokens> {
  const R = rows.length;
  const T = Math.max(...rows.map(({ ids }) => ids.length));
  const K = config.kvHeads;
  const ids = new BigInt64Array(R * T);
  const positions = new BigInt64Array(R * T);
  const slots = new BigInt64Array(R * K * T * 3);
  const selected = new BigInt64Array(R);
  rows.forEach((row, r) => {
    selected[r] = BigInt(r * T + row.ids.length - 1);
    for (let t = 0; t < T; t += 1) {
      const slot = BigInt(row.start + t);
      ids[r * T + t] = BigInt(row.ids[t] ?? 0);
      positions[r * T + t] = slot;
      for (let k = 0; k < K; k += 1) slots.set([BigInt(r), BigInt(k), slot], 3 * ((r * K + k) * T + t));
    }
  });
  const feeds = {
    ids: integerTensor(ids, [adapters.count, R / adapters.count, T]),
    positions: integerTensor(positions, [R, T]),
    slots: integerTensor(slots, [R, K, T, 3]),
    selected: integerTensor(selected, [R]),
    ...cache.feeds(),
    ...adapters.feeds,
  };
  if (onlyTokens) {
    const results = await session.run(feeds, { ...cache.fetches(), tokens: null, sums: null });
    const tokens = Array.from(integers(results['tokens']), Number);
    if (floats(results['sums']).every(Number.isFinite)) return { tokens };
    // Once more, to the same slots, for the logits that tell what is wrong.
  }
  const results = await session.run(feeds, { ...cache.fetches(), logits: null });
  const logits = floats(results['logits']);
  const V = config.vocabularySize;
  return { logits: rows.map((_, r) => logits.subarray(r * V, (r + 1) * V)) };
}

/** What comes after row `r`. */
export function nextOf(next: NextTokens, r: number): NextToken {
  return 'tokens' in next ? { token: next.tokens[r] as number } : { logits: next.logits[r] as Float32Array };
}

export type NextToken = { readonly logits: Float32Array } | { readonly token: number };
