import type { ModelDirectory } from '../files/model-directory';
import { checkpoint } from '../graph/checkpoint';
import { Graph } from '../graph/graph';
import { gradients } from '../graph/gradients';
import { Add } from '../graph/ops/elementwise';
import type { Tensor } from '../graph/tensor';
import { type AdamWState, adamW, gradientClipping } from './adamw';
import { documentMask, maskedAttention } from './attention';
import { baseWeights } from './base-weights';
import { type LoraDelta, type LoraLayout, loraDelta } from './lora';
import { frozenHeadLogProbabilities, weightedLoss } from './loss';
import { type TransformerInput, headName, transformer } from './transformer';

/** A graph and the folder its external weights are in. */
export interface BuiltGraph {
  readonly graph: Graph;
  readonly folder: string;
}

/** What shapes a training graph beside the adapters. */
export interface TrainingOptions {
  /** Layers are computed again in the backward pass instead of being kept. @default false */
  readonly gradientCheckpointing?: boolean;
  /** Share of an adapter's input that a step drops. @default 0 */
  readonly dropout?: number;
}

/**
 * One optimiser step of N stacked adapters on a frozen base: forward, backward into the LoRA matrices only, clipping, AdamW.
 *
 * Inputs: `ids` int64 [N, B, T]; `positions` and `segments` int64 [B*N, T] (place in its row, number of its row on the line); `labels`
 * int64 and `weights` float32 [N, B*T] (the token each position should give, and its share of the adapter's loss; 0 for prompts and
 * padding); `scale` [N, 1, columns]; with dropout `dropoutKeys` uint32 [N, B*T]; the state `parameters`, `firstMoment`, `secondMoment` [N, P]; `stepSize`,
 * `secondMomentCorrection`, `decay`, `maxNorm` [N, 1].
 *
 * Outputs: `loss` and `gradientNorm` [N, 1], and the state after the step as `parameters.next` and so on.
 */
export function trainingGraph(model: ModelDirectory, layout: LoraLayout, options: TrainingOptions = {}): BuiltGraph {
  const graph = new Graph();
  const state = stateInputs(graph, layout);
  const { loss, gradient, folder } = lossGradient(graph, model, layout, state.parameters, options);
  graph.output('loss', loss);
  updateState(graph, state, gradient);
  return { graph, folder };
}

/**
 * A part of a step's rows: their share of the loss, and their gradient on top of what other parts gave.
 *
 * Inputs: those of `trainingGraph` for rows and adapters, `parameters`, and `gradient` [N, P]. Outputs: `loss` [N, 1], `gradient.next`.
 */
export function gradientGraph(model: ModelDirectory, layout: LoraLayout, options: TrainingOptions = {}): BuiltGraph {
  const graph = new Graph();
  const parameters = graph.input('parameters', 'float32', ['N', layout.size]);
  const { loss, gradient, folder } = lossGradient(graph, model, layout, parameters, options);
  graph.output('loss', loss);
  graph.output('gradient.next', Add(graph.input('gradient', 'float32', ['N', layout.size]), gradient));
  return { graph, folder };
}

/** The rest of `trainingGraph` where `gradientGraph` did the first part: takes its `gradient`, gives `gradientNorm` and the state. */
export function updateGraph(layout: LoraLayout): Graph {
  const graph = new Graph();
  const state = stateInputs(graph, layout);
  updateState(graph, state, graph.input('gradient', 'float32', ['N', layout.size]));
  return graph;
}

function stateInputs(graph: Graph, layout: LoraLayout): AdamWState {
  const vector = (name: string): Tensor => graph.input(name, 'float32', ['N', layout.size]);
  return { parameters: vector('parameters'), firstMoment: vector('firstMoment'), secondMoment: vector('secondMoment') };
}

function lossGradient(
  graph: Graph,
  model: ModelDirectory,
  layout: LoraLayout,
  parameters: Tensor,
  { gradientCheckpointing = false, dropout = 0 }: TrainingOptions,
): { loss: Tensor; gradient: Tensor; folder: string } {
  const base = baseWeights(graph, model);
  const ids = graph.input('ids', 'int64', ['N', 'B', 'T']);
  const positions = graph.input('positions', 'int64', ['B*N', 'T']);
  const segments = graph.input('segments', 'int64', ['B*N', 'T']);
  const labels = graph.input('labels', 'int64', ['N', 'B*T']);
  const weights = graph.input('weights', 'float32', ['N', 'B*T']);
  const scale = graph.input('scale', 'float32', ['N', 1, layout.scales.length]);
  const { config } = model;
  const tokenKeys = dropout > 0 ? graph.input('dropoutKeys', 'uint32', ['N', 'B*T']) : undefined;
  const delta = loraDelta(layout, parameters, scale, tokenKeys && { share: dropout, tokenKeys });
  const hidden = transformer({
    config,
    weights: base.weights,
    delta,
    ...(gradientCheckpointing && { inLayer: checkpointed(layout, delta) }),
    ids,
    positions,
    positionLimit: 'T',
    attention: maskedAttention(config, documentMask(segments)),
  });
  const loss = weightedLoss(frozenHeadLogProbabilities(hidden, base.weights(headName(config)), labels), weights);
  const [gradient] = gradients(loss, [parameters]);
  if (gradient === undefined) throw new Error('no gradient of the LoRA parameters');
  return { loss, gradient, folder: base.folder };
}

/** Keeps nothing of a layer but its input; layers before the first adapted one have no gradient anyway. */
function checkpointed({ groups }: LoraLayout, delta: LoraDelta): NonNullable<TransformerInput['inLayer']> {
  const first = Math.min(...groups.map(({ layer }) => layer));
  return (layer, build, x) => (layer < first ? build(x) : checkpoint(build, x, delta.matricesOf(layer), layer > first));
}

function updateState(graph: Graph, state: AdamWState, gradient: Tensor): void {
  const number = (name: string): Tensor => graph.input(name, 'float32', ['N', 1]);
  const step = {
    stepSize: number('stepSize'),
    secondMomentCorrection: number('secondMomentCorrection'),
    decay: number('decay'),
  };
  const { norm, factor } = gradientClipping(gradient, number('maxNorm'));
  const next = adamW(state, gradient, step, { gradientFactor: factor });
  graph.output('gradientNorm', norm);
  graph.output('parameters.next', next.parameters);
  graph.output('firstMoment.next', next.firstMoment);
  graph.output('secondMoment.next', next.secondMoment);
}
