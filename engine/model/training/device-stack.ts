import type { InferenceSession, OnnxValue, Tensor } from 'onnxruntime-node';
import type { ComputeSettings } from '../../../campaign/language-model';
import { adamWScalars } from './adamw';
import type { ReadBack } from '../device-memory';
import type { LoadedModel } from '../loaded-model';
import type { LoraLayout } from '../lora/lora';
import { partFeeds } from './step-feeds';
import { columnTensor, floatTensor, floats } from '../tensors';
import { STATE_NAMES, type TrainingOptions } from './training-graph';
import type { AdapterState, AdapterStep, InitialState, StepResult, TrainingStack } from './training-stack';

type Name = (typeof STATE_NAMES)[number];

/** A run of one optimiser step from a state, as feeds, to the next, as results. */
export type DeviceStep = (
  state: Readonly<Record<Name, Tensor>>,
  adapters: readonly AdapterStep[],
) => Promise<{ readonly result: StepResult; readonly state: Readonly<Record<Name, Tensor>> }>;

/** @param inParts gradient and update have graphs of their own */
export async function openDeviceStep(
  model: LoadedModel,
  layout: LoraLayout,
  options: TrainingOptions,
  inParts: boolean,
  compute?: ComputeSettings,
): Promise<DeviceStep> {
  if (!inParts) return wholeStep(await model.trainingSession(layout, options, compute));
  return stepInParts(await model.partialGradientSession(layout, options, compute), await model.updateSession(layout, compute), layout);
}

const STATE_FETCHES = Object.fromEntries(STATE_NAMES.map((name) => [`${name}.next`, null]));

function stateOf(results: Readonly<Record<string, OnnxValue>>): Record<Name, Tensor> {
  return Object.fromEntries(STATE_NAMES.map((name) => [name, results[`${name}.next`] as Tensor])) as Record<Name, Tensor>;
}

function wholeStep(session: InferenceSession): DeviceStep {
  return async (state, adapters) => {
    const feeds = { ...partFeeds(adapters)[0], ...optimiserFeeds(adapters), ...state };
    const results = await session.run(feeds, { loss: null, gradientNorm: null, ...STATE_FETCHES });
    return { result: { losses: [...floats(results['loss'])], gradientNorms: [...floats(results['gradientNorm'])] }, state: stateOf(results) };
  };
}

/** The parts' gradients add up in an array that goes from run to run; each part's loss is its share of the step's. */
function stepInParts(gradientSession: InferenceSession, updateSession: InferenceSession, layout: LoraLayout): DeviceStep {
  return async (state, adapters) => {
    const shape = [adapters.length, layout.size];
    const losses = adapters.map(() => 0);
    let gradient = floatTensor(new Float32Array(adapters.length * layout.size), shape);
    let next = floatTensor(new Float32Array(adapters.length * layout.size), shape);
    for (const rows of partFeeds(adapters)) {
      const feeds = { ...rows, parameters: state.parameters, gradient };
      const results = await gradientSession.run(feeds, { loss: null, 'gradient.next': next });
      floats(results['loss']).forEach((loss, n) => (losses[n] = (losses[n] as number) + loss));
      [gradient, next] = [next, gradient];
    }
    const results = await updateSession.run({ ...state, ...optimiserFeeds(adapters), gradient }, { gradientNorm: null, ...STATE_FETCHES });
    return { result: { losses, gradientNorms: [...floats(results['gradientNorm'])] }, state: stateOf(results) };
  };
}

function optimiserFeeds(adapters: readonly AdapterStep[]): Record<string, Tensor> {
  const scalars = adapters.map(({ t, learningRate, optimiser }) => adamWScalars(t, learningRate, optimiser.weightDecay));
  return {
    stepSize: columnTensor(scalars.map(([stepSize]) => stepSize)),
    secondMomentCorrection: columnTensor(scalars.map(([, correction]) => correction)),
    decay: columnTensor(scalars.map(([, , decay]) => decay)),
    maxNorm: columnTensor(adapters.map(({ optimiser }) => optimiser.clipNorm)),
  };
}

/** Adapters on a device that keeps its results: a step's results are the next step's inputs, and come to the host when asked for. */
export class DeviceStack implements TrainingStack {
  readonly lockstep = true;
  private onDevice: Readonly<Record<Name, Tensor>> | undefined;

  private constructor(
    private readonly takeStep: DeviceStep,
    private readonly readBack: ReadBack,
    private readonly size: number,
    private readonly jobs: readonly number[],
    /** Float32 [N, P] each; older than `onDevice` until settled. */
    private readonly onHost: Readonly<Record<Name, Float32Array>>,
  ) {}

  static start(takeStep: DeviceStep, readBack: ReadBack, states: readonly InitialState[]): DeviceStack {
    const size = states[0]?.parameters.length ?? 0;
    const vectors = emptyVectors(states.length * size);
    states.forEach((state, n) => STATE_NAMES.forEach((name) => vectors[name].set(state[name] ?? [], n * size)));
    return new DeviceStack(takeStep, readBack, size, states.map((_, n) => n), vectors);
  }

  async step(adapters: readonly AdapterStep[]): Promise<StepResult> {
    const { result, state } = await this.takeStep(this.onDevice ?? this.uploaded(), adapters);
    this.release();
    this.onDevice = state;
    return result;
  }

  async settle(): Promise<void> {
    if (this.onDevice === undefined) return;
    for (const name of STATE_NAMES) this.onHost[name].set(await this.readBack(this.onDevice[name]));
  }

  keep(jobs: readonly number[]): DeviceStack {
    const vectors = emptyVectors(jobs.length * this.size);
    jobs.forEach((job, n) => {
      for (const name of STATE_NAMES) vectors[name].set(this.slice(name, job), n * this.size);
    });
    return new DeviceStack(this.takeStep, this.readBack, this.size, jobs, vectors);
  }

  parametersOf(job: number): Float32Array {
    return this.slice('parameters', job).slice();
  }

  stateOf(job: number): AdapterState {
    return { parameters: this.slice('parameters', job), firstMoment: this.slice('firstMoment', job), secondMoment: this.slice('secondMoment', job) };
  }

  release(): void {
    for (const name of STATE_NAMES) this.onDevice?.[name].dispose();
    this.onDevice = undefined;
  }

  private uploaded(): Record<Name, Tensor> {
    const tensor = (name: Name): Tensor => floatTensor(this.onHost[name], [this.jobs.length, this.size]);
    return { parameters: tensor('parameters'), firstMoment: tensor('firstMoment'), secondMoment: tensor('secondMoment') };
  }

  private slice(name: Name, job: number): Float32Array {
    const n = this.jobs.indexOf(job);
    if (n < 0) throw new RangeError(`job ${job} has no state any more`);
    return this.onHost[name].subarray(n * this.size, (n + 1) * this.size);
  }
}

function emptyVectors(length: number): Record<Name, Float32Array> {
  return { parameters: new Float32Array(length), firstMoment: new Float32Array(length), secondMoment: new Float32Array(length) };
}
