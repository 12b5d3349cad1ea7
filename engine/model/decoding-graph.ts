import type { ModelDirectory } from '../files/model-directory';
import { Graph } from '../graph/graph';
import { Gather } from '../graph/ops/gather';
import { Reshape } from '../graph/ops/shape';
import { cacheMask } from './attention';
import { baseWeights } from './base-weights';
import type { LoraLayout } from './lora';
import { adapterInputs } from './scoring-graph';
import type { BuiltGraph } from './training-graph';
import { type KeyValues, languageModelHead, transformer } from './transformer';

/**
 * Next-token logits with a key-value cache; prefill is the call with an empty cache.
 *
 * Inputs: `ids` int64 [N, B, T]; `positions` int64 [B*N, T]; `valid` bool [B*N, P+T]: cache slots, the new ones included, that hold
 * a token; `selected` int64 [B*N]: of each row the place within N*B*T whose logits are wanted; `past.keys.<l>` and
 * `past.values.<l>` float32 [B*N, K, P, D]; the adapters'.
 *
 * Outputs: `logits` float32 [B*N, V], `keys.<l>` and `values.<l>` [B*N, K, P+T, D].
 */
export function decodingGraph(model: ModelDirectory, layout: LoraLayout | null): BuiltGraph {
  const graph = new Graph();
  const base = baseWeights(graph, model);
  const { config } = model;
  const ids = graph.input('ids', 'int64', ['N', 'B', 'T']);
  const positions = graph.input('positions', 'int64', ['B*N', 'T']);
  const valid = graph.input('valid', 'bool', ['B*N', 'P+T']);
  const selected = graph.input('selected', 'int64', ['B*N']);
  const slots = ['B*N', config.kvHeads, 'P', config.headDim];
  const past = Array.from({ length: config.layers }, (_, layer): KeyValues => ({
    keys: graph.input(`past.keys.${layer}`, 'float32', slots),
    values: graph.input(`past.values.${layer}`, 'float32', slots),
  }));
  const delta = adapterInputs(graph, layout);
  const { hidden, cache } = transformer({
    config,
    weights: base.weights,
    ...(delta && { delta }),
    ids,
    positions,
    positionLimit: 'P+T',
    mask: cacheMask(valid),
    past,
  });
  const last = Gather(Reshape(hidden, ['B*N*T', config.width]), selected);
  graph.output('logits', languageModelHead(config, base.weights, last));
  cache.forEach(({ keys, values }, layer) => {
    graph.output(`keys.${layer}`, keys);
    graph.output(`values.${layer}`, values);
  });
  return { graph, folder: base.folder };
}
