import type { GenerationPrecision } from '../../../campaign/language-model';
import type { ModelDirectory } from '../../files/model-directory';
import { Graph } from '../../graph/graph';
import { ArgMax } from '../../graph/ops/arg-max';
import { Gather } from '../../graph/ops/gather';
import { ReduceSum } from '../../graph/ops/reduce';
import { Reshape } from '../../graph/ops/shape';
import type { Tensor } from '../../graph/tensor';
import { type Attention, type KeyValues, cachedAttention } from '../architecture/attention';
import { baseWeights } from '../architecture/base-weights';
import { decodingLinear } from '../architecture/frozen-linear';
import { headName, languageModelHead, transformer } from '../architecture/transformer';
import type { BuiltGraph } from '../built-graph';
import { type LoraLayout, adapterInputs } from '../lora/lora';

/**
 * Next tokens with a key-value cache of S slots a row, which is read only: what comes out are the keys and values of the new tokens.
 * (A cache that passes through the graph would be copied on its way out: onnxruntime-node copies every result.)
 *
 * Inputs: `ids` int64 [N, B, T]; `positions` int64 [R, T], R = B*N: the place of each token in its row; `lengths` int64 [R, 1]: slots of
 * the cache that hold tokens of the row; `selected` int64 [L]: places within N*B*T whose next token is wanted; `past.keys.<l>` and
 * `past.values.<l>` float32 [R, K, S, D]; the adapters'.
 *
 * Outputs: `logits` float32 [L, V] and their largest's `tokens` int64 [L]; `sums` float32 [L, 1] of the logits, not finite where one
 * of them is not; `keys.<l>` and `values.<l>` [R, K, T, D].
 */
export function decodingGraph(model: ModelDirectory, layout: LoraLayout | null, precision: GenerationPrecision = 'float32'): BuiltGraph {
  const graph = new Graph();
  const base = baseWeights(graph, model);
  const { config } = model;
  const ids = graph.input('ids', 'int64', ['N', 'B', 'T']);
  const positions = graph.input('positions', 'int64', ['B*N', 'T']);
  const lengths = graph.input('lengths', 'int64', ['B*N', 1]);
  const selected = graph.input('selected', 'int64', ['L']);
  const pastKeyValues = Array.from({ length: config.layers }, (_, layer): KeyValues => {
    const past = (kind: string): Tensor => graph.input(`past.${kind}.${layer}`, 'float32', ['B*N', config.kvHeads, 'S', config.headDim]);
    return { keys: past('keys'), values: past('values') };
  });
  const shapeOf = (name: string): readonly [number, number] => (model.tensors.get(name) as { shape: readonly number[] }).shape as [number, number];
  const linear = decodingLinear(base.weights, shapeOf, precision, headName(config));
  const delta = adapterInputs(graph, layout);
  const attend = cachedAttention(config, pastKeyValues, lengths);
  const attention: Attention = (layer, q, fresh) => {
    graph.output(`keys.${layer}`, fresh.keys);
    graph.output(`values.${layer}`, fresh.values);
    return attend(layer, q, fresh);
  };
  const hidden = transformer({
    config,
    weights: base.weights,
    linear,
    ...(delta && { delta }),
    ids,
    positions,
    attention,
  });
  const last = Gather(Reshape(hidden, ['B*N*T', config.width]), selected);
  const logits = languageModelHead(config, base.weights, last, linear);
  graph.output('logits', logits);
  graph.output('tokens', ArgMax(logits));
  graph.output('sums', ReduceSum(logits, [-1]));
  return { graph, folder: base.folder };
}
