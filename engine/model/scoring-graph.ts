import type { ModelDirectory } from '../files/model-directory';
import { Graph } from '../graph/graph';
import { causalMask, maskedAttention } from './attention';
import { baseWeights } from './base-weights';
import { type LoraLayout, type LoraDelta, loraDelta, splitSlots } from './lora';
import { labelLogProbabilities } from './loss';
import type { BuiltGraph } from './training-graph';
import { languageModelHead, transformer } from './transformer';

/** The adapters' inputs of a graph that only reads them: `parameters` [N, P] and `scale` [N, 1, columns]; none without a layout. */
export function adapterInputs(graph: Graph, layout: LoraLayout | null): LoraDelta | undefined {
  if (layout === null) return undefined;
  const parameters = graph.input('parameters', 'float32', ['N', layout.size]);
  return loraDelta(layout, splitSlots(layout, parameters), graph.input('scale', 'float32', ['N', 1, layout.scales.length]));
}

/**
 * Log-probabilities of given tokens.
 *
 * Inputs: `ids` int64 [N, B, T], `positions` [B*N, T], `labels` int64 [N, B*T], and the adapters'. Output: `logProbabilities`
 * float32 [N, B*T], natural log, of each label at its place.
 */
export function scoringGraph(model: ModelDirectory, layout: LoraLayout | null): BuiltGraph {
  const graph = new Graph();
  const base = baseWeights(graph, model);
  const ids = graph.input('ids', 'int64', ['N', 'B', 'T']);
  const positions = graph.input('positions', 'int64', ['B*N', 'T']);
  const labels = graph.input('labels', 'int64', ['N', 'B*T']);
  const delta = adapterInputs(graph, layout);
  const { config } = model;
  const hidden = transformer({
    config,
    weights: base.weights,
    ...(delta && { delta }),
    ids,
    positions,
    positionLimit: 'T',
    attention: maskedAttention(config, causalMask(graph)),
  });
  graph.output('logProbabilities', labelLogProbabilities(languageModelHead(config, base.weights, hidden), labels));
  return { graph, folder: base.folder };
}
