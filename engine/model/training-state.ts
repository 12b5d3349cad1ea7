import type { OnnxValue, Tensor } from 'onnxruntime-node';
import type { ReadBack } from './device-memory';
import { floatTensor } from './tensors';

const NAMES = ['parameters', 'firstMoment', 'secondMoment'] as const;
type Name = (typeof NAMES)[number];
type Buffers = Readonly<Record<Name, Float32Array>>;

/** What a step gives of the state. */
export const STATE_RESULTS = NAMES.map((name) => `${name}.next` as const);

/**
 * Parameters and moments of N adapters, float32 [N, P] each. In the host's memory they are held twice: a step reads one copy and ONNX
 * Runtime writes the other, so that nothing is allocated from step to step. On a device that keeps its results a step's results are the
 * next step's inputs, and come to the host when `settle` asks for them.
 */
export class TrainingState {
  private current: Buffers;
  private next: Buffers | undefined;
  /** Newer than `current`, until settled. */
  private onDevice: Readonly<Record<Name, Tensor>> | undefined;

  private constructor(
    readonly size: number,
    private readonly jobs: readonly number[],
    current: Buffers,
    private readonly readBack: ReadBack | undefined,
  ) {
    this.current = current;
    this.next = readBack === undefined ? emptyBuffers(current.parameters.length) : undefined;
  }

  /**
   * Starts from each job's parameters [P], moments zero.
   *
   * @param readBack of a device that keeps its results; undefined: a step's results come to the host
   */
  static start(parameters: readonly Float32Array[], readBack?: ReadBack): TrainingState {
    const size = parameters[0]?.length ?? 0;
    const buffers = emptyBuffers(size * parameters.length);
    parameters.forEach((vector, n) => buffers.parameters.set(vector, n * size));
    return new TrainingState(size, parameters.map((_, n) => n), buffers, readBack);
  }

  feeds(): Record<string, Tensor> {
    return this.onDevice ?? Object.fromEntries(NAMES.map((name) => [name, this.tensor(this.current[name])]));
  }

  fetches(): Record<string, Tensor | null> {
    const { next } = this;
    return Object.fromEntries(NAMES.map((name) => [`${name}.next`, next === undefined ? null : this.tensor(next[name])]));
  }

  /** Makes what the step wrote the current state. */
  advance(results: Readonly<Record<string, OnnxValue>>): void {
    if (this.next !== undefined) [this.current, this.next] = [this.next, this.current];
    else {
      this.release();
      this.onDevice = Object.fromEntries(NAMES.map((name) => [name, results[`${name}.next`] as Tensor])) as Record<Name, Tensor>;
    }
  }

  /** Brings to the host what lies on a device, for `keep` and `parametersOf`. */
  async settle(): Promise<void> {
    if (this.onDevice === undefined || this.readBack === undefined) return;
    for (const name of NAMES) this.current[name].set(await this.readBack(this.onDevice[name]));
  }

  /** Gives a device's memory back. */
  release(): void {
    for (const name of NAMES) this.onDevice?.[name].dispose();
    this.onDevice = undefined;
  }

  /** The state of some of the jobs only, in the same order. */
  keep(jobs: readonly number[]): TrainingState {
    const buffers = emptyBuffers(this.size * jobs.length);
    jobs.forEach((job, n) => {
      for (const name of NAMES) buffers[name].set(this.slice(this.current[name], job), n * this.size);
    });
    return new TrainingState(this.size, jobs, buffers, this.readBack);
  }

  /** A copy of a job's parameters [P]. */
  parametersOf(job: number): Float32Array {
    return this.slice(this.current.parameters, job).slice();
  }

  private slice(data: Float32Array, job: number): Float32Array {
    const n = this.jobs.indexOf(job);
    if (n < 0) throw new RangeError(`job ${job} has no state any more`);
    return data.subarray(n * this.size, (n + 1) * this.size);
  }

  private tensor(data: Float32Array): Tensor {
    return floatTensor(data, [this.jobs.length, this.size]);
  }
}

function emptyBuffers(length: number): Buffers {
  return {
    parameters: new Float32Array(length),
    firstMoment: new Float32Array(length),
    secondMoment: new Float32Array(length),
  };
}
