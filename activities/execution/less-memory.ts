import type { FineTuneJob } from '../../campaign/language-model';

/** Asks for a computation in parts, one after another, so that less is in memory at once. The result is the same up to rounding. */
export interface MemoryBound {
  /** 1, 2, 4, ...: about this part of the memory is to do. @default 1: all at once */
  readonly memoryParts?: number;
}

/** A training cut so that it needs less memory at once. */
export interface TrainingParts {
  /** Jobs of each request, in order; the requests run one after another. */
  readonly requests: readonly (readonly FineTuneJob[])[];
  readonly gradientCheckpointing: boolean;
}

/**
 * Cuts a training in `memoryParts`: first each step's rows, down to one at a time, then the stack of jobs, and what is left to save is
 * asked of gradient checkpointing. No step has other rows than before: gradients of its parts add up, weighed by their loss tokens.
 */
export function trainingParts(jobs: readonly FineTuneJob[], gradientCheckpointing: boolean, memoryParts = 1): TrainingParts {
  if (memoryParts === 1) return { requests: [jobs], gradientCheckpointing };
  const smaller = jobs.map((job) => withMoreAccumulation(job, memoryParts));
  const byRows = mostRowsAtOnce(jobs) / mostRowsAtOnce(smaller);
  const size = Math.max(1, Math.floor(jobs.length / Math.ceil(memoryParts / byRows)));
  const requests = Array.from({ length: Math.ceil(jobs.length / size) }, (_, i) => smaller.slice(i * size, (i + 1) * size));
  const byJobs = jobs.length / size;
  return { requests, gradientCheckpointing: gradientCheckpointing || byRows * byJobs < memoryParts };
}

/** A part has at least one row. */
function withMoreAccumulation(job: FineTuneJob, memoryParts: number): FineTuneJob {
  const { accumulation = 1 } = job.optimiser;
  const most = Math.max(accumulation, rowsAStep(job));
  return { ...job, optimiser: { ...job.optimiser, accumulation: Math.min(accumulation * memoryParts, most) } };
}

/** Of the job that has most. */
function mostRowsAtOnce(jobs: readonly FineTuneJob[]): number {
  return Math.max(1, ...jobs.map((job) => Math.ceil(rowsAStep(job) / (job.optimiser.accumulation ?? 1))));
}

function rowsAStep({ rows, optimiser: { batch } }: FineTuneJob): number {
  return Math.max(1, Math.min(batch, rows.length));
}

/** For lineages: nothing where all was computed at once, so that it says what was really run. */
export function memoryLineage({ memoryParts = 1 }: { readonly memoryParts?: number | undefined }): { readonly memoryParts?: number } {
  return memoryParts === 1 ? {} : { memoryParts };
}
