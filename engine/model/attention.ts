import type { ModelConfig } from '../files/model-config';
import type { Graph } from '../graph/graph';
import { Add, And, Equal, LessOrEqual, Where } from '../graph/ops/elementwise';
import { Range } from '../graph/ops/gather';
import { MatMul } from '../graph/ops/mat-mul';
import { Reshape, Transpose, transposeLast } from '../graph/ops/shape';
import { Softmax } from '../graph/ops/softmax';
import { type Dim, type Tensor, dimAt } from '../graph/tensor';

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

/**
 * Mask over a cache whose slot s holds the token at place s of its row: the query at `positions` (int64 [R, T]) sees its own slot
 * and those before it.
 *
 * @param slots the cache's size S
 * @returns float32 [R, 1, 1, T, S]
 */
export function cacheMask(positions: Tensor, slots: Dim): Tensor {
  const [R, T] = [dimAt(positions.shape, 0), dimAt(positions.shape, 1)];
  const places = Reshape(Range(positions.graph, slots), [1, slots]);
  return additive(LessOrEqual(places, Reshape(positions, [R, 1, 1, T, 1])));
}

/**
 * Grouped-query attention. The G query heads that share a key head lie in one matrix, so that keys and values are never repeated.
 *
 * @param q float32 [R, T, H*D], rotated and divided by sqrt(D); R = rows, H = heads
 * @param k float32 [R, K, S, D], rotated; K = key heads, S = keys
 * @param v float32 [R, K, S, D]
 * @param mask broadcasts to [R, K, G, T, S]
 * @returns float32 [R, T, H*D]
 */
export function groupedQueryAttention(config: ModelConfig, q: Tensor, k: Tensor, v: Tensor, mask: Tensor): Tensor {
  const { heads, kvHeads: K, headDim: D } = config;
  const G = heads / K;
  const [R, T] = [dimAt(q.shape, 0), dimAt(q.shape, 1)];
  const S: Dim = dimAt(k.shape, 2);
  const GT = typeof T === 'number' ? G * T : G === 1 ? T : `${G}*${T}`;
  // [R, T, K, G, D] -> [R, K, G*T, D]
  const queries = Reshape(Transpose(Reshape(q, [R, T, K, G, D]), [0, 2, 3, 1, 4]), [R, K, GT, D]);
  const scores = Reshape(MatMul(queries, transposeLast(k)), [R, K, G, T, S]);
  const probabilities = Reshape(Softmax(Add(scores, mask)), [R, K, GT, S]);
  const mixed = Reshape(MatMul(probabilities, v), [R, K, G, T, D]);
  return Reshape(Transpose(mixed, [0, 3, 1, 2, 4]), [R, T, heads * D]);
}
