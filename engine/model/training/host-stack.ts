import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { BETA1, BETA2, EPSILON, adamWScalars, clippingFactor } from './adamw';
import { AdamWKernel } from './adamw-kernel';
import type { LoraLayout } from '../lora/lora';
import { partFeeds } from './step-feeds';
import { floatTensor, floats } from '../tensors';
import type { AdapterState, AdapterStep, InitialState, StepResult, TrainingStack } from './training-stack';

/** An adapter's own arrays, each of P elements. */
const HOME = ['parameters', 'firstMoment', 'secondMoment'] as const;
/** What a run of the graph reads or writes: the matrices of a slot of all its adapters one behind another, slot by slot. */
const STAGE = ['gradient', 'part', 'parameters'] as const;

/**
 * Adapters in the host's memory: the graph gives the gradients of those that take a step, and the kernel clips and applies them in one
 * pass over each adapter.
 */
export class HostStack implements TrainingStack {
  readonly lockstep = false;
  private readonly kernel: AdamWKernel;
  /** Adapters in all. */
  private readonly count: number;
  /** P and N*P, with room to the next multiple of four. */
  private readonly homeSize: number;
  private readonly stageSize: number;
  /** One adapter's parameters lie at home as a run reads them. */
  private readonly isAlone: boolean;
  private readonly stages: readonly (typeof STAGE)[number][];
  private readonly staged = new Map<number, Record<(typeof STAGE)[number], Record<string, Tensor>>>();

  /**
   * @param session of `gradientGraph`
   * @param inParts steps may be computed in parts
   */
  constructor(
    private readonly session: InferenceSession,
    private readonly layout: LoraLayout,
    states: readonly InitialState[],
    inParts: boolean,
  ) {
    const N = states.length;
    this.count = N;
    this.homeSize = roundedUp(layout.size);
    this.stageSize = roundedUp(N * layout.size);
    this.isAlone = N === 1;
    this.stages = STAGE.filter((array) => (array === 'part' ? inParts : array !== 'parameters' || !this.isAlone));
    this.kernel = new AdamWKernel(N * HOME.length * this.homeSize + this.stages.length * this.stageSize);
    states.forEach((state, job) => HOME.forEach((array) => this.home(job, array).set(state[array] ?? [])));
  }

  async step(adapters: readonly AdapterStep[]): Promise<StepResult> {
    if (!this.isAlone) this.stageParameters(adapters);
    const losses = await this.computeGradient(adapters);
    const gradientNorms = adapters.map((adapter, n) => this.update(adapter, n, adapters.length));
    return { losses, gradientNorms };
  }

  async settle(): Promise<void> {
    // All of it is here.
  }

  keep(): HostStack {
    return this;
  }

  parametersOf(job: number): Float32Array {
    return this.home(job, 'parameters').slice();
  }

  stateOf(job: number): AdapterState {
    return { parameters: this.home(job, 'parameters'), firstMoment: this.home(job, 'firstMoment'), secondMoment: this.home(job, 'secondMoment') };
  }

  release(): void {
    // Collected with this object.
  }

  private stageParameters(adapters: readonly AdapterStep[]): void {
    const stage = this.kernel.view(this.stageStart('parameters'), this.stageSize);
    adapters.forEach(({ job }, n) => {
      const own = this.home(job, 'parameters');
      for (const { at, offset, size } of this.pieces(n, adapters.length)) stage.set(own.subarray(offset, offset + size), at);
    });
  }

  /** Adds up the gradients of the step's parts. @returns the loss of each adapter */
  private async computeGradient(adapters: readonly AdapterStep[]): Promise<number[]> {
    const { parameters, gradient, part } = this.stage(adapters.length);
    const losses = adapters.map(() => 0);
    for (const [i, rows] of partFeeds(adapters).entries()) {
      const results = await this.session.run({ ...rows, ...parameters }, { loss: null, ...(i === 0 ? gradient : part) });
      floats(results['loss']).forEach((loss, n) => (losses[n] = (losses[n] as number) + loss));
      if (i > 0) this.kernel.accumulate(this.stageStart('gradient'), this.stageStart('part'), this.stageSize);
    }
    return losses;
  }

  /** Clips and applies the gradient of the nth of N adapters. @returns its norm before */
  private update({ job, t, optimiser, learningRate }: AdapterStep, n: number, N: number): number {
    const pieces = this.pieces(n, N);
    const gradient = this.stageStart('gradient');
    const norm = Math.sqrt(pieces.reduce((sum, { at, size }) => sum + this.kernel.sumOfSquares(gradient + at, size), 0));
    const factor = clippingFactor(norm, optimiser.clipNorm);
    const [stepSize, correction, decay] = adamWScalars(t, learningRate, optimiser.weightDecay);
    // m / (sqrt(v) / c + epsilon) * s  =  m / (sqrt(v) + c epsilon) * (c s)
    const scalars = {
      beta1: BETA1,
      firstFactor: (1 - BETA1) * factor,
      beta2: BETA2,
      secondFactor: (1 - BETA2) * factor * factor,
      stepSize: stepSize * correction,
      epsilon: EPSILON * correction,
      decay,
    };
    for (const { at, offset, size } of pieces) {
      const place = (array: (typeof HOME)[number]): number => this.homeStart(job, array) + offset;
      const places = { parameters: place('parameters'), firstMoment: place('firstMoment'), secondMoment: place('secondMoment'), gradient: gradient + at };
      this.kernel.update(places, size, scalars);
    }
    return norm;
  }

  private home(job: number, array: (typeof HOME)[number]): Float32Array {
    if (job >= this.count) throw new RangeError(`job ${job} has no state`);
    return this.kernel.view(this.homeStart(job, array), this.layout.size);
  }

  private homeStart(job: number, array: (typeof HOME)[number]): number {
    return (job * HOME.length + HOME.indexOf(array)) * this.homeSize;
  }

  private stageStart(array: (typeof STAGE)[number]): number {
    if (array === 'parameters' && this.isAlone) return this.homeStart(0, 'parameters');
    return this.count * HOME.length * this.homeSize + this.stages.indexOf(array) * this.stageSize;
  }

  /** The tensors [N, rows, columns] of each slot for a run of N adapters, by the graph's names. */
  private stage(N: number): Record<(typeof STAGE)[number], Record<string, Tensor>> {
    const known = this.staged.get(N) ?? {
      parameters: this.tensors('parameters', 'parameters', N),
      gradient: this.tensors('gradient', 'gradient', N),
      part: this.stages.includes('part') ? this.tensors('gradient', 'part', N) : {},
    };
    this.staged.set(N, known);
    return known;
  }

  private tensors(name: string, array: (typeof STAGE)[number], N: number): Record<string, Tensor> {
    return Object.fromEntries(
      this.layout.slots.map(({ offset, shape: [rows, columns] }, i) => {
        const data = this.kernel.view(this.stageStart(array) + N * offset, N * rows * columns);
        return [`${name}.${i}`, floatTensor(data, [N, rows, columns])];
      }),
    );
  }

  /** Where the matrices of the nth of N adapters lie on the stage, and in the vector [P]. */
  private pieces(n: number, N: number): { readonly at: number; readonly offset: number; readonly size: number }[] {
    return this.layout.slots.map(({ offset, shape: [rows, columns] }) => ({ at: N * offset + n * rows * columns, offset, size: rows * columns }));
  }
}

function roundedUp(length: number): number {
  return 4 * Math.ceil(length / 4);
}
