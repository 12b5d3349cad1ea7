import type { BasePrecision } from '../../../campaign/language-model';
import type { ModelDirectory } from '../../files/model-directory';
import { checkpoint } from '../../graph/checkpoint';
import { Graph } from '../../graph/graph';
import { gradients } from '../../graph/gradients';
import { Add } from '../../graph/ops/elementwise';
import type { Tensor } from '../../graph/tensor';
import type { BuiltGraph } from '../built-graph';
import { type AdamWState, adamW, gradientClipping } from './adamw';
import { documentMask, maskedAttention } from '../architecture/attention';
import { baseWeights, heldOnce } from '../architecture/base-weights';
import { trainingLinear } from '../architecture/frozen-linear';
import { type LoraDelta, type LoraLayout, loraDelta, slotInputs, splitSlots } from '../lora/lora';
import { frozenHeadLogProbabilities, weightedLoss } from '../architecture/loss';
import { type TransformerInput, headName, languageModelHead, transformer } from '../architecture/transformer';

/** The optimiser's state as inputs; with `.next` behind, as results. */
export const STATE_NAMES = ['parameters', 'firstMoment', 'secondMoment'] as const;

/** What shapes a training graph beside the adapters. */
export interface TrainingOptions {
  /** Layers are computed again in the backward pass instead of being kept. @default false */
  readonly gradientCheckpointing?: boolean;
  /** Of the frozen projections, but not of the head. @default float32 */
  readonly basePrecision?: BasePrecision;
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
  const { loss, rest } = adaptersLoss(graph, model, layout, splitSlots(layout, state.parameters), options);
  graph.output('loss', loss);
  updateState(graph, state, gradients(loss, [state.parameters])[0] as Tensor);
  return { graph, ...rest };
}

/**
 * The gradient alone, for an optimiser on the host.
 *
 * Inputs: those of `trainingGraph` for rows and adapters, and of each slot of the layout `parameters.<i>` [N, rows, columns]. Outputs:
 * `loss` [N, 1], and `gradient.<i>` of each slot.
 */
export function gradientGraph(model: ModelDirectory, layout: LoraLayout, options: TrainingOptions = {}): BuiltGraph {
  const graph = new Graph();
  const slots = slotInputs(graph, layout);
  const { loss, rest } = adaptersLoss(graph, model, layout, slots, options);
  graph.output('loss', loss);
  gradients(loss, slots).forEach((gradient, i) => graph.output(`gradient.${i}`, gradient));
  return { graph, ...rest };
}

/**
 * A part of a step's rows: their share of the loss, and their gradient on top of what other parts gave.
 *
 * Inputs: those of `trainingGraph` for rows and adapters, `parameters`, and `gradient` [N, P]. Outputs: `loss` [N, 1], `gradient.next`.
 */
export function partialGradientGraph(model: ModelDirectory, layout: LoraLayout, options: TrainingOptions = {}): BuiltGraph {
  const graph = new Graph();
  const parameters = graph.input('parameters', 'float32', ['N', layout.size]);
  const { loss, rest } = adaptersLoss(graph, model, layout, splitSlots(layout, parameters), options);
  const [gradient] = gradients(loss, [parameters]);
  graph.output('loss', loss);
  graph.output('gradient.next', Add(graph.input('gradient', 'float32', ['N', layout.size]), gradient as Tensor));
  return { graph, ...rest };
}

/** The rest of `trainingGraph` where `partialGradientGraph` did the first part: takes its `gradient`, gives `gradientNorm` and the state. */
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

/** @param slots the adapters' matrices, one a slot of the layout */
function adaptersLoss(
  graph: Graph,
  model: ModelDirectory,
  layout: LoraLayout,
  slots: readonly Tensor[],
  { gradientCheckpointing = false, dropout = 0, basePrecision = 'float32' }: TrainingOptions,
): { loss: Tensor; rest: Omit<BuiltGraph, 'graph'> } {
  const base = baseWeights(graph, model);
  const once = heldOnce(model);
  const ids = graph.input('ids', 'int64', ['N', 'B', 'T']);
  const positions = graph.input('positions', 'int64', ['B*N', 'T']);
  const segments = graph.input('segments', 'int64', ['B*N', 'T']);
  const labels = graph.input('labels', 'int64', ['N', 'B*T']);
  const weights = graph.input('weights', 'float32', ['N', 'B*T']);
  const scale = graph.input('scale', 'float32', ['N', 1, layout.columns]);
  const { config } = model;
  const tokenKeys = dropout > 0 ? graph.input('dropoutKeys', 'uint32', ['N', 'B*T']) : undefined;
  const delta = loraDelta(layout, slots, scale, tokenKeys && { share: dropout, tokenKeys });
  const hidden = transformer({
    config,
    weights: base.weights,
    linear: trainingLinear(base.weights, basePrecision, once),
    delta,
    ...(gradientCheckpointing && { inLayer: checkpointed(layout, delta) }),
    ids,
    positions,
    positionLimit: 'T',
    attention: maskedAttention(config, documentMask(segments)),
  });
  const logits = languageModelHead(config, base.weights, hidden, trainingLinear(base.weights, 'float32', once));
  const loss = weightedLoss(frozenHeadLogProbabilities(logits, hidden, base.weights(headName(config)), labels), weights);
  return { loss, rest: { folder: base.folder, prepacking: !once || basePrecision !== 'float32' } };
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
  for (const name of STATE_NAMES) graph.output(`${name}.next`, next[name]);
}
