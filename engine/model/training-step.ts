import type { InferenceSession, Tensor } from 'onnxruntime-node';
import type { FineTuneRequest, OptimiserSettings } from '../../contracts/language-model';
import { adamWScalars } from './adamw';
import { dropoutRowKey } from './dropout';
import type { LoadedModel } from './loaded-model';
import type { LoraLayout } from './lora';
import { type TokenBatch, type TokenRow, countLossTokens, packRows } from './rows';
import { columnTensor, floatTensor, floats, integerTensor, unsignedTensor } from './tensors';
import type { TrainingState } from './training-state';

/** What one adapter of the stack does in a step. */
export interface AdapterStep {
  readonly optimiser: OptimiserSettings;
  readonly seed: number;
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
  const options = { gradientCheckpointing, dropout: layout.settings.dropout ?? 0 };
  const inParts = jobs.some(({ optimiser: { accumulation = 1 } }) => accumulation > 1);
  const takeStep = inParts
    ? stepInParts(await model.gradientSession(layout, options, compute), await model.updateSession(layout, compute), layout)
    : wholeStep(await model.trainingSession(layout, options, compute), layout);
  return options.dropout === 0 ? takeStep : (state, adapters, t) => takeStep(state, withDropoutKeys(adapters, t), t);
}

/** A row's key is its place in the step: neither the parts of the step nor other jobs change it. */
function withDropoutKeys(adapters: readonly AdapterStep[], t: number): AdapterStep[] {
  return adapters.map((adapter) => ({
    ...adapter,
    rows: adapter.rows.map((row, i) => ({ ...row, dropoutKey: dropoutRowKey(adapter.seed, t - 1, i) })),
  }));
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

function rowFeeds(batch: TokenBatch, { scales, settings: { dropout = 0 } }: LoraLayout): Record<string, Tensor> {
  const { N, B, T } = batch;
  // What is kept of the input stands for what is dropped.
  const factor = 1 / (1 - dropout);
  const scale = Float32Array.from({ length: N * scales.length }, (_, i) => factor * (scales[i % scales.length] as number));
  return {
    ids: integerTensor(batch.ids, [N, B, T]),
    positions: integerTensor(batch.positions, [B * N, T]),
    segments: integerTensor(batch.segments, [B * N, T]),
    labels: integerTensor(batch.labels, [N, B * T]),
    weights: floatTensor(batch.weights, [N, B * T]),
    ...(dropout > 0 && { dropoutKeys: unsignedTensor(batch.dropoutKeys, [N, B * T]) }),
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
