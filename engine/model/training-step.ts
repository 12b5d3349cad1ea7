import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { FineTuneRequest, OptimiserSettings } from '../../contracts/language-model';
import { adamWScalars } from './adamw';
import type { LoadedModel } from './loaded-model';
import type { LoraLayout } from './lora';
import { type TokenBatch, type TokenRow, countLossTokens, packRows } from './rows';
import { columnTensor, floatTensor, floats, integerTensor } from './tensors';
import type { TrainingState } from './training-state';

/** What one adapter of the stack does in a step. */
export interface AdapterStep {
  readonly optimiser: OptimiserSettings;
  readonly rows: readonly TokenRow[];
  readonly learningRate: number;
}

/** Of each adapter of the stack. */
export interface StepResult {
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
}

/**
 * One optimiser step of every adapter of the stack; the state moves on.
 *
 * @param t of the step, from 1
 */
export type TakeStep = (state: TrainingState, adapters: readonly AdapterStep[], t: number) => Promise<StepResult>;

/** Opens the graphs that the request's jobs need: where a step is computed in parts, gradient and update have graphs of their own. */
export async function openTraining(model: LoadedModel, layout: LoraLayout, { jobs, gradientCheckpointing = false, compute }: FineTuneRequest): Promise<TakeStep> {
  const options = { gradientCheckpointing };
  const inParts = jobs.some(({ optimiser: { accumulation = 1 } }) => accumulation > 1);
  if (!inParts) return wholeStep(await model.trainingSession(layout, options, compute), layout);
  return stepInParts(await model.gradientSession(layout, options, compute), await model.updateSession(layout, compute), layout);
}

function wholeStep(session: InferenceSession, layout: LoraLayout): TakeStep {
  return async (state, adapters, t) => {
    const batch = packRows(adapters.map(({ rows }) => rows));
    const feeds = { ...rowFeeds(batch, layout), ...optimiserFeeds(adapters, t), ...state.feeds() };
    const results = await session.run(feeds, { loss: null, gradientNorm: null, ...state.fetches() });
    state.advance(results);
    return { losses: [...floats(results['loss'])], gradientNorms: [...floats(results['gradientNorm'])] };
  };
}

/** The parts' gradients add up in an array that goes from run to run; each part's loss is its share of the step's. */
function stepInParts(gradientSession: InferenceSession, updateSession: InferenceSession, layout: LoraLayout): TakeStep {
  return async (state, adapters, t) => {
    const shape = [adapters.length, layout.size];
    const lossTokens = adapters.map(({ rows }) => countLossTokens(rows));
    const losses = adapters.map(() => 0);
    const { parameters } = state.feeds();
    let gradient = floatTensor(new Float32Array(adapters.length * layout.size), shape);
    let next = floatTensor(new Float32Array(adapters.length * layout.size), shape);
    for (const rows of partsOfStep(adapters)) {
      const feeds = { ...rowFeeds(packRows(rows, lossTokens), layout), parameters: parameters as Tensor, gradient };
      const results = await gradientSession.run(feeds, { loss: null, 'gradient.next': next });
      floats(results['loss']).forEach((loss, n) => (losses[n] = (losses[n] as number) + loss));
      [gradient, next] = [next, gradient];
    }
    const results = await updateSession.run({ ...state.feeds(), ...optimiserFeeds(adapters, t), gradient }, { gradientNorm: null, ...state.fetches() });
    state.advance(results);
    return { losses, gradientNorms: [...floats(results['gradientNorm'])] };
  };
}

/** Rows of each adapter in each part; where an adapter has fewer parts than another, none. */
export function partsOfStep(adapters: readonly Pick<AdapterStep, 'rows' | 'optimiser'>[]): TokenRow[][][] {
  const ofAdapter = adapters.map(({ rows, optimiser: { accumulation = 1 } }) => {
    const size = Math.ceil(rows.length / accumulation);
    return Array.from({ length: Math.ceil(rows.length / size) }, (_, i) => rows.slice(i * size, (i + 1) * size));
  });
  const count = Math.max(...ofAdapter.map((parts) => parts.length));
  return Array.from({ length: count }, (_, i) => ofAdapter.map((parts) => parts[i] ?? []));
}

function rowFeeds(batch: TokenBatch, { scales }: LoraLayout): Record<string, Tensor> {
  const { N, B, T } = batch;
  const scale = Float32Array.from({ length: N * scales.length }, (_, i) => scales[i % scales.length] as number);
  return {
    ids: integerTensor(batch.ids, [N, B, T]),
    positions: integerTensor(batch.positions, [B * N, T]),
    segments: integerTensor(batch.segments, [B * N, T]),
    labels: integerTensor(batch.labels, [N, B * T]),
    weights: floatTensor(batch.weights, [N, B * T]),
    scale: floatTensor(scale, [N, 1, scales.length]),
  };
}

function optimiserFeeds(adapters: readonly AdapterStep[], t: number): Record<string, Tensor> {
  const scalars = adapters.map(({ learningRate, optimiser }) => adamWScalars(t, learningRate, optimiser.weightDecay));
  return {
    stepSize: columnTensor(scalars.map(([stepSize]) => stepSize)),
    secondMomentCorrection: columnTensor(scalars.map(([, correction]) => correction)),
    decay: columnTensor(scalars.map(([, , decay]) => decay)),
    maxNorm: columnTensor(adapters.map(({ optimiser }) => optimiser.clipNorm)),
  };
}
