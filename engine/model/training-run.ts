import type { ComputeProgress, FineTuneJob, FineTuneOutcome, StepLog } from '../../contracts/language-model';
import type { ReadBack } from './device-memory';
import { type TokenRow, countLossTokens } from './rows';
import { learningRateAt } from './schedule';
import { TrainingState } from './training-state';
import type { StepResult, TakeStep } from './training-step';

/** What a job trains on at each optimiser step, fixed before the first. */
export interface JobPlan {
  readonly job: FineTuneJob;
  /** float32 [P]. */
  readonly initial: Float32Array;
  readonly steps: readonly (readonly TokenRow[])[];
}

export interface TrainedJob {
  readonly outcome: FineTuneOutcome;
  /** Absent if the job failed. */
  readonly parameters?: Float32Array;
}

/** A job on its way. */
interface Course {
  readonly plan: JobPlan;
  readonly position: number;
  readonly log: StepLog[];
  failure?: FineTuneOutcome;
}

/**
 * Steps of all jobs, stacked; a job leaves the stack after its last step, or when its loss is not finite.
 *
 * @param readBack of a device that keeps the state; undefined: it lies in the host's memory
 */
export async function trainJobs(
  takeStep: TakeStep,
  plans: readonly JobPlan[],
  readBack: ReadBack | undefined,
  onProgress: (progress: ComputeProgress) => void,
): Promise<TrainedJob[]> {
  const total = Math.max(0, ...plans.map(({ steps }) => steps.length));
  const trained: TrainedJob[] = [];
  let state = TrainingState.start(plans.map(({ initial }) => initial), readBack);
  let running = plans.map((plan, position): Course => ({ plan, position, log: [] }));
  for (let step = 0; running.length > 0; step += 1) {
    const going = running.filter(({ plan, failure }) => failure === undefined && plan.steps.length > step);
    if (going.length < running.length) {
      await state.settle();
      for (const course of running.filter((one) => !going.includes(one))) trained[course.position] = finished(course, state);
      const kept = state.keep(going.map(({ position }) => position));
      state.release();
      state = kept;
      running = going;
    }
    if (running.length === 0) break;
    const adapters = running.map(({ plan: { job, steps } }) => ({
      optimiser: job.optimiser,
      seed: job.seed,
      rows: steps[step] as readonly TokenRow[],
      learningRate: learningRateAt(step, steps.length, job.optimiser),
    }));
    const result = await takeStep(state, adapters, step + 1);
    running.forEach((course, n) => {
      const { rows, learningRate } = adapters[n] as (typeof adapters)[number];
      record(course, { step, loss: result.losses[n] as number, learningRate, lossTokens: countLossTokens(rows) }, gradientNorm(result, n));
    });
    onProgress({ done: step + 1, total, unit: 'steps' });
  }
  return trained;
}

const gradientNorm = ({ gradientNorms }: StepResult, n: number): number => gradientNorms[n] as number;

function record(course: Course, log: StepLog, norm: number): void {
  if (Number.isFinite(log.loss) && Number.isFinite(norm)) course.log.push(log);
  else {
    const message = `step ${log.step}: expected a finite loss and gradient, got loss ${log.loss} and gradient norm ${norm}`;
    course.failure = { status: 'failed', code: 'NOT_FINITE', step: log.step, message };
  }
}

function finished({ log, position, failure }: Course, state: TrainingState): TrainedJob {
  if (failure !== undefined) return { outcome: failure };
  const trainedTokens = log.reduce((sum, { lossTokens }) => sum + lossTokens, 0);
  const outcome: FineTuneOutcome = { status: 'done', steps: log.length, finalLoss: log.at(-1)?.loss ?? Number.NaN, trainedTokens, log };
  return { outcome, parameters: state.parametersOf(position) };
}
