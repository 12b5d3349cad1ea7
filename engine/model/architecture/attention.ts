import type { ModelConfig } from '../../files/model-config';
import type { Graph } from '../../graph/graph';
import { Add, And, Equal, LessOrEqual, Where } from '../../graph/ops/elementwise';
import { Range } from '../../graph/ops/gather';
import { MatMul } from '../../graph/ops/mat-mul';
import { Concat, Reshape, SplitAgain, Transpose, transposeLast } from '../../graph/ops/shape';
import { Softmax } from '../../graph/ops/softmax';
import { type Dim, type Tensor, dimAt, productOf } from '../../graph/tensor';

/** Added to the score of a key that must not be seen: large enough to vanish in float32, not infinite, so that a row of them is finite. */
const MASKED = -1e30;

/** 0 where a query may see a key, MASKED elsewhere. */
function additive(allowed: Tensor): Tensor {
  const { graph } = allowed;
  return Where(allowed, graph.constant('float32', 0), graph.constant('float32', MASKED));
}

/** Query i sees keys 0..i: float32 [T, T]. Right padding needs no more, since what follows a row is never seen by it. */
export function causalMask(graph: Graph): Tensor {
  return additive(causal(graph));
}

function causal(graph: Graph): Tensor {
  const positions = Range(graph, 'T');
  return LessOrEqual(Reshape(positions, [1, 'T']), Reshape(positions, ['T', 1]));
}

/** As `causalMask`, within a row only: `segments` int64 [B*N, T] numbers the rows that share a line. float32 [B*N, 1, 1, T, T]. */
export function documentMask(segments: Tensor): Tensor {
  const rows = dimAt(segments.shape, 0);
  const same = Equal(Reshape(segments, [rows, 1, 1, 1, 'T']), Reshape(segments, [rows, 1, 1, 'T', 1]));
  return additive(And(same, causal(segments.graph)));
}

/** Keys and values of one layer, float32 [R, K, S, D], keys rotated; R = rows, K = key heads, S = tokens, D = head size. */
export interface KeyValues {
  readonly keys: Tensor;
  readonly values: Tensor;
}

/**
 * Mixes values for the queries of a layer: q float32 [R, T, H*D], rotated and divided by sqrt(D), H = heads; `fresh` are the keys and
 * values of the same T tokens.
 *
 * @returns float32 [R, T, H*D]
 */
export type Attention = (layer: number, q: Tensor, fresh: KeyValues) => Tensor;

/** Attention of the tokens among themselves. @param mask broadcasts to [R, K, G, T, T] */
export function maskedAttention(config: ModelConfig, mask: Tensor): Attention {
  return (_layer, q, { keys, values }) => {
    const queries = byKeyHead(config, q);
    const probabilities = Softmax(Add(scores(config, q, queries, keys), mask));
    return merged(config, q, weighted(probabilities, values));
  };
}

/**
 * Attention of new tokens to a cache and among themselves. The cache is read where it lies: scores are joined, keys and values are not.
 *
 * @param past the cache of each layer
 * @param lengths int64 [R, 1]: slots of the cache that hold tokens of the row
 */
export function cachedAttention(config: ModelConfig, past: readonly KeyValues[], lengths: Tensor): Attention {
  const [{ keys: anyKeys }] = past as [KeyValues];
  const [R, S] = [dimAt(anyKeys.shape, 0), dimAt(anyKeys.shape, 2)];
  const { graph } = lengths;
  const held = additive(LessOrEqual(Add(Reshape(Range(graph, S), [1, 1, 1, 1, S]), graph.constant('int64', 1)), Reshape(lengths, [R, 1, 1, 1, 1])));
  const among = causalMask(graph);
  return (layer, q, fresh) => {
    const { keys, values } = past[layer] as KeyValues;
    const queries = byKeyHead(config, q);
    const parts = [Add(scores(config, q, queries, keys), held), Add(scores(config, q, queries, fresh.keys), among)];
    const [ofPast, ofFresh] = SplitAgain(Softmax(Concat(parts, -1)), parts) as [Tensor, Tensor];
    return merged(config, q, Add(weighted(ofPast, values), weighted(ofFresh, fresh.values)));
  };
}

// Grouped queries: the G heads that share a key head lie in one matrix, so that keys and values are never repeated.

/** [R, T, H*D] -> [R, K, G*T, D]. */
function byKeyHead({ heads, kvHeads: K, headDim: D }: ModelConfig, q: Tensor): Tensor {
  const G = heads / K;
  const [R, T] = [dimAt(q.shape, 0), dimAt(q.shape, 1)];
  return Reshape(Transpose(Reshape(q, [R, T, K, G, D]), [0, 2, 3, 1, 4]), [R, K, productOf([G, T]), D]);
}

/** q k' as [R, K, G, T, S]. */
function scores({ heads, kvHeads: K }: ModelConfig, q: Tensor, queries: Tensor, keys: Tensor): Tensor {
  return Reshape(MatMul(queries, transposeLast(keys)), [dimAt(q.shape, 0), K, heads / K, dimAt(q.shape, 1), dimAt(keys.shape, 2)]);
}

/** [R, K, G, T, S] by [R, K, S, D] -> [R, K, G*T, D]. */
function weighted(probabilities: Tensor, values: Tensor): Tensor {
  const [R, K, G, T, S] = probabilities.shape as [Dim, Dim, Dim, Dim, Dim];
  return MatMul(Reshape(probabilities, [R, K, productOf([G, T]), S]), values);
}

/** [R, K, G*T, D] -> [R, T, H*D]. */
function merged({ heads, kvHeads: K, headDim: D }: ModelConfig, q: Tensor, mixed: Tensor): Tensor {
  const [R, T] = [dimAt(q.shape, 0), dimAt(q.shape, 1)];
  return Reshape(Transpose(Reshape(mixed, [R, K, heads / K, T, D]), [0, 3, 1, 2, 4]), [R, T, heads * D]);
}
