import type { OptimiserSettings } from '../../../campaign/language-model';
import type { TokenRow } from '../rows';

/** One optimiser step of one adapter of the stack. */
export interface AdapterStep {
  /** Its number in the stack. */
  readonly job: number;
  /** Of the step, from 1. */
  readonly t: number;
  readonly seed: number;
  readonly optimiser: OptimiserSettings;
  readonly rows: readonly TokenRow[];
  readonly learningRate: number;
  /** Of each rank column of the stack: float32 [columns]. */
  readonly scales: Float32Array;
  /** Share of the adapters' input that is dropped, the same for all of a stack. */
  readonly dropout: number;
}

/** Of each adapter that took a step. */
export interface StepResult {
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
}

/** An adapter with its optimiser's moments, float32 [P] each. */
export interface AdapterState {
  readonly parameters: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
}

/** What an adapter is stacked with; without moments it has not taken a step yet. */
export type InitialState = Pick<AdapterState, 'parameters'> & Partial<AdapterState>;

/** Adapters that are trained together, with their optimiser's state. */
export interface TrainingStack {
  /** Every adapter of the stack takes every step; else any of them may. */
  readonly lockstep: boolean;
  /** One run of the graph. */
  step(adapters: readonly AdapterStep[]): Promise<StepResult>;
  /** Before `keep`, `parametersOf` and `stateOf`: brings to the host what lies on a device. */
  settle(): Promise<void>;
  /** The same with some of its adapters only, in the same order. */
  keep(jobs: readonly number[]): TrainingStack;
  /** A copy of an adapter's parameters, float32 [P]. */
  parametersOf(job: number): Float32Array;
  /** What an adapter has come to, as it lies in memory: another step changes it. */
  stateOf(job: number): AdapterState;
  /** Gives a device's memory back. */
  release(): void;
}

/** Stacks adapters as they are at the start; job n is the nth. */
export type StartStack = (states: readonly InitialState[]) => TrainingStack;
