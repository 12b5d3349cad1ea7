import type { ModelDirectory } from '../files/model-directory';
import { Graph } from '../graph/graph';
import { ArgMax } from '../graph/ops/arg-max';
import { Gather, ScatterND } from '../graph/ops/gather';
import { ReduceSum } from '../graph/ops/reduce';
import { Reshape } from '../graph/ops/shape';
import type { Tensor } from '../graph/tensor';
import { cacheMask } from './attention';
import { baseWeights } from './base-weights';
import type { LoraLayout } from './lora';
import { adapterInputs } from './scoring-graph';
import type { BuiltGraph } from './training-graph';
import { type KeyValues, languageModelHead, transformer } from './transformer';

/**
 * Next tokens with a key-value cache of S slots a row. Fed and fetched in the same memory, the cache is written in place.
 *
 * Inputs: `ids` int64 [N, B, T]; `positions` int64 [R, T], R = B*N: the slot of each token, which is its place in its row; `slots` int64
 * [R, K, T, 3]: the same as places (row, key head, slot) of the cache; `selected` int64 [L]: places within N*B*T whose next token is
 * wanted; `past.keys.<l>` and `past.values.<l>` float32 [R, K, S, D]; the adapters'.
 *
 * Outputs: `logits` float32 [L, V] and their largest's `tokens` int64 [L]; `sums` float32 [L, 1] of the logits, not finite where one
 * of them is not; `keys.<l>` and `values.<l>` [R, K, S, D].
 */
export function decodingGraph(model: ModelDirectory, layout: LoraLayout | null): BuiltGraph {
  const graph = new Graph();
  const base = baseWeights(graph, model);
  const { config } = model;
  const ids = graph.input('ids', 'int64', ['N', 'B', 'T']);
  const positions = graph.input('positions', 'int64', ['B*N', 'T']);
  const slots = graph.input('slots', 'int64', ['B*N', config.kvHeads, 'T', 3]);
  const selected = graph.input('selected', 'int64', ['L']);
  const pastKeyValues = Array.from({ length: config.layers }, (_, layer): KeyValues => {
    const past = (kind: string): Tensor => graph.input(`past.${kind}.${layer}`, 'float32', ['B*N', config.kvHeads, 'S', config.headDim]);
    return { keys: past('keys'), values: past('values') };
  });
  const delta = adapterInputs(graph, layout);
  const cached = (layer: number, fresh: KeyValues): KeyValues => {
    const past = pastKeyValues[layer] as KeyValues;
    const keys = ScatterND(past.keys, slots, fresh.keys);
    const values = ScatterND(past.values, slots, fresh.values);
    graph.output(`keys.${layer}`, keys);
    graph.output(`values.${layer}`, values);
    return { keys, values };
  };
  const hidden = transformer({
    config,
    weights: base.weights,
    ...(delta && { delta }),
    ids,
    positions,
    mask: cacheMask(positions, 'S'),
    cached,
  });
  const last = Gather(Reshape(hidden, ['B*N*T', config.width]), selected);
  const logits = languageModelHead(config, base.weights, last);
  graph.output('logits', logits);
  graph.output('tokens', ArgMax(logits));
  graph.output('sums', ReduceSum(logits, [-1]));
  return { graph, folder: base.folder };
}
