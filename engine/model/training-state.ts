import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { floatTensor, floats } from './tensors';

const NAMES = ['parameters', 'firstMoment', 'secondMoment'] as const;
type Buffers = Readonly<Record<(typeof NAMES)[number], Float32Array>>;

/**
 * Parameters and moments of N adapters, float32 [N, P] each, held twice: a step reads one copy and ONNX Runtime writes the other, so
 * that nothing is allocated from step to step.
 */
export class TrainingState {
  private current: Buffers;
  private next: Buffers;

  private constructor(
    readonly size: number,
    private readonly jobs: readonly number[],
    current: Buffers,
  ) {
    this.current = current;
    this.next = emptyBuffers(current.parameters.length);
  }

  /** Starts from each job's parameters [P], moments zero. */
  static start(parameters: readonly Float32Array[]): TrainingState {
    const size = parameters[0]?.length ?? 0;
    const buffers = emptyBuffers(size * parameters.length);
    parameters.forEach((vector, n) => buffers.parameters.set(vector, n * size));
    return new TrainingState(size, parameters.map((_, n) => n), buffers);
  }

  feeds(): Record<string, Tensor> {
    return Object.fromEntries(NAMES.map((name) => [name, this.tensor(this.current[name])]));
  }

  fetches(): Record<string, Tensor> {
    return Object.fromEntries(NAMES.map((name) => [`${name}.next`, this.tensor(this.next[name])]));
  }

  /** Makes what the step wrote the current state. */
  advance(): void {
    [this.current, this.next] = [this.next, this.current];
  }

  /** The state of some of the jobs only, in the same order. */
  keep(jobs: readonly number[]): TrainingState {
    const buffers = emptyBuffers(this.size * jobs.length);
    jobs.forEach((job, n) => {
      for (const name of NAMES) buffers[name].set(this.slice(this.current[name], job), n * this.size);
    });
    return new TrainingState(this.size, jobs, buffers);
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

/** Runs one step; the state moves on, loss and gradient norm of each adapter come back. */
export async function runStep(
  session: InferenceSession,
  state: TrainingState,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<{ losses: Float32Array; norms: Float32Array }> {
  const results = await session.run({ ...feeds, ...state.feeds() }, { loss: null, gradientNorm: null, ...state.fetches() });
  state.advance();
  return { losses: floats(results['loss']), norms: floats(results['gradientNorm']) };
}
