import type { ModelDirectory } from '../../files/model-directory';
import { Graph } from '../../graph/graph';
import { causalMask, maskedAttention } from '../architecture/attention';
import { baseWeights, heldOnce } from '../architecture/base-weights';
import { trainingLinear } from '../architecture/frozen-linear';
import { type LoraLayout, adapterInputs } from '../lora/lora';
import { labelLogProbabilities } from '../architecture/loss';
import type { BuiltGraph } from '../built-graph';
import { languageModelHead, transformer } from '../architecture/transformer';

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
  const once = heldOnce(model);
  const linear = trainingLinear(base.weights, 'float32', once);
  const { config } = model;
  const hidden = transformer({
    config,
    weights: base.weights,
    linear,
    ...(delta && { delta }),
    ids,
    positions,
    positionLimit: 'T',
    attention: maskedAttention(config, causalMask(graph)),
  });
  graph.output('logProbabilities', labelLogProbabilities(languageModelHead(config, base.weights, hidden, linear), labels));
  return { graph, folder: base.folder, prepacking: !once };
}
