import type { ModelDirectory } from '../files/model-directory';
import { Graph } from '../graph/graph';
import { gradients } from '../graph/gradients';
import { adamW, gradientClipping } from './adamw';
import { documentMask } from './attention';
import { baseWeights } from './base-weights';
import { type LoraLayout, loraDelta } from './lora';
import { frozenHeadLogProbabilities, weightedLoss } from './loss';
import { headName, transformer } from './transformer';

/** A graph and the folder its external weights are in. */
export interface BuiltGraph {
  readonly graph: Graph;
  readonly folder: string;
}

/**
 * One optimiser step of N stacked adapters on a frozen base: forward, backward into the LoRA matrices only, clipping, AdamW.
 *
 * Inputs: `ids` int64 [N, B, T]; `positions` and `segments` int64 [B*N, T] (place in its row, number of its row on the line); `labels` int64 and `weights` float32 [N, B*T] (the token each position
 * should give, and its share of the adapter's loss; 0 for prompts and padding); `scale` [N, 1, columns]; the state `parameters`,
 * `firstMoment`, `secondMoment` [N, P]; `stepSize`, `secondMomentCorrection`, `decay`, `maxNorm` [N, 1].
 *
 * Outputs: `loss` and `gradientNorm` [N, 1], and the state after the step as `parameters.next` and so on.
 */
export function trainingGraph(model: ModelDirectory, layout: LoraLayout): BuiltGraph {
  const graph = new Graph();
  const base = baseWeights(graph, model);
  const ids = graph.input('ids', 'int64', ['N', 'B', 'T']);
  const positions = graph.input('positions', 'int64', ['B*N', 'T']);
  const segments = graph.input('segments', 'int64', ['B*N', 'T']);
  const labels = graph.input('labels', 'int64', ['N', 'B*T']);
  const weights = graph.input('weights', 'float32', ['N', 'B*T']);
  const scale = graph.input('scale', 'float32', ['N', 1, layout.scales.length]);
  const vector = (name: string) => graph.input(name, 'float32', ['N', layout.size]);
  const number = (name: string) => graph.input(name, 'float32', ['N', 1]);
  const state = { parameters: vector('parameters'), firstMoment: vector('firstMoment'), secondMoment: vector('secondMoment') };
  const step = {
    stepSize: number('stepSize'),
    secondMomentCorrection: number('secondMomentCorrection'),
    decay: number('decay'),
  };
  const { config } = model;
  const { hidden } = transformer({
    config,
    weights: base.weights,
    delta: loraDelta(layout, state.parameters, scale),
    ids,
    positions,
    positionLimit: 'T',
    mask: documentMask(segments),
  });
  const loss = weightedLoss(frozenHeadLogProbabilities(hidden, base.weights(headName(config)), labels), weights);
  const [gradient] = gradients(loss, [state.parameters]);
  if (gradient === undefined) throw new Error('no gradient of the LoRA parameters');
  const { norm, factor } = gradientClipping(gradient, number('maxNorm'));
  const next = adamW(state, gradient, step, { gradientFactor: factor });
  graph.output('loss', loss);
  graph.output('gradientNorm', norm);
  graph.output('parameters.next', next.parameters);
  graph.output('firstMoment.next', next.firstMoment);
  graph.output('secondMoment.next', next.secondMoment);
  return { graph, folder: base.folder };
}
