import type { OptimiserSettings } from '../../../contracts/language-model';
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

/** Adapters that are trained together, with their optimiser's state. */
export interface TrainingStack {
  /** Every adapter of the stack takes every step; else any of them may. */
  readonly lockstep: boolean;
  /** One run of the graph. */
  step(adapters: readonly AdapterStep[]): Promise<StepResult>;
  /** Before `keep` and `parametersOf`: brings to the host what lies on a device. */
  settle(): Promise<void>;
  /** The same with some of its adapters only, in the same order. */
  keep(jobs: readonly number[]): TrainingStack;
  /** A copy of an adapter's parameters, float32 [P]. */
  parametersOf(job: number): Float32Array;
  /** Gives a device's memory back. */
  release(): void;
}

/** Stacks adapters from their parameters, float32 [P] each; job n is the nth. */
export type StartStack = (parameters: readonly Float32Array[]) => TrainingStack;
