import type { Projection } from '../../../campaign/language-model';
import type { ModelConfig } from '../../files/model-config';
import type { Segment } from '../../graph/checkpoint';
import { Add, Cast, Cos, Mul, Sin } from '../../graph/ops/elementwise';
import { Gather, Range } from '../../graph/ops/gather';
import { RMSNormalization } from '../../graph/ops/normalization';
import { RotaryEmbedding } from '../../graph/ops/rotary-embedding';
import { Reshape, Transpose } from '../../graph/ops/shape';
import { type Dim, type Tensor, dimAt } from '../../graph/tensor';
import type { Attention } from './attention';
import type { Weights } from './base-weights';
import { type FrozenLinear, frozenLinear } from './frozen-linear';
import { type LoraDelta, withDelta } from '../lora/lora';
import { EMBEDDING, FINAL_NORM, HEAD, biasName, inputNormName, postAttentionNormName, projectionName } from './parameters';
import { rotaryFrequencies } from './rotary-frequencies';
import { swiGlu } from './swiglu';

// Dims throughout: N adapters, B rows an adapter, T tokens a row, M = B*T, R = B*N rows in all, C = width.

export interface TransformerInput {
  readonly config: ModelConfig;
  readonly weights: Weights;
  /** How a frozen projection is computed. @default in float32 */
  readonly linear?: FrozenLinear;
  /** What adapters add to a projection; absent for the model as it is. */
  readonly delta?: LoraDelta;
  /** int64 [N, B, T]. */
  readonly ids: Tensor;
  /** int64 [R, T]: the place of each token in its text. */
  readonly positions: Tensor;
  /** One more than the largest position can be: the angles of all are computed once. @default each token's own are computed */
  readonly positionLimit?: Dim;
  readonly attention: Attention;
  /** Builds a layer [N, M, C] -> [N, M, C]. @default as it is */
  readonly inLayer?: (layer: number, build: Segment, x: Tensor) => Tensor;
}

/**
 * A Llama or Qwen2 decoder, up to its head.
 *
 * @returns after the final norm: float32 [N, M, C]
 * Source: Hugging Face `modeling_llama.py`, `modeling_qwen2.py` (transformers 5).
 */
export function transformer(input: TransformerInput): Tensor {
  const { config, weights, ids } = input;
  const forKeys = rotaryAngles(input);
  // Attention's 1/sqrt(D) is paid for with the rotation of the queries.
  const rotation = { forKeys, forQueries: scaledTables(forKeys, 1 / Math.sqrt(config.headDim)) };
  let x = Gather(weights(EMBEDDING), Reshape(ids, ['N', 'B*T']));
  const { inLayer = (_layer, build, before) => build(before) } = input;
  for (let layer = 0; layer < config.layers; layer += 1) {
    const build: Segment = (before) => {
      const normed = RMSNormalization(before, weights(inputNormName(layer)), config.normEpsilon);
      const between = Add(before, attentionBlock(input, layer, normed, rotation));
      const gated = RMSNormalization(between, weights(postAttentionNormName(layer)), config.normEpsilon);
      return Add(between, feedForward(input, layer, gated));
    };
    x = inLayer(layer, build, x);
  }
  return RMSNormalization(x, weights(FINAL_NORM), config.normEpsilon);
}

/** Logits [..., V] of hidden states [..., C]; a tied head is the embedding. */
export function languageModelHead(config: ModelConfig, weights: Weights, hidden: Tensor, linear: FrozenLinear = frozenLinear(weights)): Tensor {
  return linear(headName(config), hidden);
}

/** The checkpoint name of the output head [V, C]. */
export function headName({ tied }: ModelConfig): string {
  return tied ? EMBEDDING : HEAD;
}

/** x W' + b plus what the adapters add, for projections that read the same input. */
function project(input: TransformerInput, layer: number, projections: readonly Projection[], x: Tensor): Tensor[] {
  const { config, weights, linear = frozenLinear(weights), delta } = input;
  const deltas = delta?.add(layer, projections, x);
  return projections.map((projection, i) => {
    const frozen = linear(projectionName(layer, projection), x);
    const biased = config.biases.includes(projection) ? Add(frozen, weights(biasName(layer, projection))) : frozen;
    return withDelta(biased, deltas?.[i]);
  });
}

/** Tables [S, D/2] of which `positions` names the rows; without positions one row a token, [R, T, D/2]. */
interface RotaryTables {
  readonly cos: Tensor;
  readonly sin: Tensor;
  readonly positions?: Tensor;
}

/** Computed where they are used, so that no length is built in: of every position below the limit, or of each token's own. */
function rotaryAngles({ config, ids: { graph }, positions, positionLimit }: TransformerInput): RotaryTables {
  const [R, T] = [dimAt(positions.shape, 0), dimAt(positions.shape, 1)];
  const places = positionLimit === undefined ? Reshape(positions, [R, T, 1]) : Reshape(Range(graph, positionLimit), [positionLimit, 1]);
  const angles = Mul(Cast(places, 'float32'), graph.constant('float32', rotaryFrequencies(config)));
  return { cos: Cos(angles), sin: Sin(angles), ...(positionLimit !== undefined && { positions }) };
}

/** Tables that rotate and multiply by `factor` at once. */
function scaledTables(tables: RotaryTables, factor: number): RotaryTables {
  return { ...tables, cos: Mul(tables.cos, factor), sin: Mul(tables.sin, factor) };
}

function attentionBlock(
  input: TransformerInput,
  layer: number,
  x: Tensor,
  rotation: { readonly forKeys: RotaryTables; readonly forQueries: RotaryTables },
): Tensor {
  const { config, positions, attention } = input;
  const { heads, kvHeads, headDim } = config;
  const R = dimAt(positions.shape, 0);
  const [q, k, v] = project(input, layer, ['q_proj', 'k_proj', 'v_proj'], x).map((projected) =>
    Reshape(projected, [R, 'T', dimAt(projected.shape, -1)]),
  ) as [Tensor, Tensor, Tensor];
  const rotate = (projected: Tensor, tables: RotaryTables, count: number): Tensor =>
    RotaryEmbedding(projected, tables.cos, tables.sin, tables.positions, count);
  // [R, T, K*D] -> [R, K, T, D]
  const byHead = (fresh: Tensor): Tensor => Transpose(Reshape(fresh, [R, 'T', kvHeads, headDim]), [0, 2, 1, 3]);
  const fresh = { keys: byHead(rotate(k, rotation.forKeys, kvHeads)), values: byHead(v) };
  const mixed = attention(layer, rotate(q, rotation.forQueries, heads), fresh);
  const [output] = project(input, layer, ['o_proj'], Reshape(mixed, ['N', 'B*T', heads * headDim]));
  return output as Tensor;
}

/** (silu(x Wg') * x Wu') Wd'. */
function feedForward(input: TransformerInput, layer: number, x: Tensor): Tensor {
  const [gate, up] = project(input, layer, ['gate_proj', 'up_proj'], x) as [Tensor, Tensor];
  const [down] = project(input, layer, ['down_proj'], swiGlu(gate, up));
  return down as Tensor;
}
