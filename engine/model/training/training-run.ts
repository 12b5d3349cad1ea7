import type { Checkpoint, ComputeProgress, FineTuneJob, FineTuneOutcome, StepLog } from '../../../campaign/language-model';
import { type TokenRow, countLossTokens } from '../rows';
import { learningRateAt } from './schedule';
import type { JobStanding, TrainingCheckpoints } from './training-checkpoint';
import type { AdapterStep, StartStack, StepResult, TrainingStack } from './training-stack';

/** What a job trains on at each optimiser step, fixed before the first. */
export interface JobPlan {
  readonly job: FineTuneJob;
  /** float32 [P] of the stack. */
  readonly initial: Float32Array;
  /** Of each rank column of the stack: float32 [columns]. */
  readonly scales: Float32Array;
  /** Share of the adapter's input that a step drops. */
  readonly dropout: number;
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
 * Steps of all jobs, stacked; a job leaves the stack after its last step, or when its loss is not finite. Which jobs share a run of the
 * graph follows from their rows alone: where the stack allows it, those whose next steps are about as long, so that short rows are not
 * padded to another job's long ones.
 *
 * @param checkpoints gone on from, and written as they fall due
 */
export async function trainJobs(
  start: StartStack,
  plans: readonly JobPlan[],
  onProgress: (progress: ComputeProgress) => void,
  checkpoints?: TrainingCheckpoints,
): Promise<{ readonly trained: TrainedJob[]; readonly resumedSteps: number }> {
  const total = plans.reduce((sum, { steps }) => sum + steps.length, 0);
  const trained: TrainedJob[] = [];
  const standings = await checkpoints?.restore(plans[0]?.initial.length ?? 0);
  const courses = plans.map((plan, position) => courseFrom(plan, position, standings?.[position]));
  const resumedSteps = courses.reduce((sum, { log }) => sum + log.length, 0);
  let done = resumedSteps;
  let stack = start(plans.map(({ initial }, i) => standings?.[i]?.state ?? { parameters: initial }));
  let running = courses;
  if (resumedSteps > 0) onProgress({ done, total, unit: 'steps' });
  while (running.length > 0) {
    const going = running.filter(({ plan, log, failure }) => failure === undefined && plan.steps.length > log.length);
    if (going.length < running.length) {
      await stack.settle();
      for (const course of running.filter((one) => !going.includes(one))) trained[course.position] = finished(course, stack);
      const kept = stack.keep(going.map(({ position }) => position));
      if (kept !== stack) stack.release();
      stack = kept;
      running = going;
    }
    if (running.length === 0) break;
    const chosen = stack.lockstep ? running : ofAboutOneLength(running);
    const adapters = chosen.map(nextStep);
    const result = await stack.step(adapters);
    chosen.forEach((course, n) => record(course, adapters[n] as AdapterStep, result, n));
    done += chosen.length;
    const checkpoint = checkpoints?.isDue === true && done < total ? await saveAll(checkpoints, courses, trained, stack) : undefined;
    onProgress({ done, total, unit: 'steps', ...(checkpoint && { checkpoint }) });
  }
  return { trained, resumedSteps };
}

/** A job from where a checkpoint left it; what its log says beside the losses follows from the plan. */
function courseFrom(plan: JobPlan, position: number, standing: JobStanding | undefined): Course {
  const course: Course = { plan, position, log: [] };
  for (const loss of standing?.losses ?? []) {
    const { t, rows, learningRate } = nextStep(course);
    course.log.push({ step: t - 1, loss, learningRate, lossTokens: countLossTokens(rows) });
  }
  return standing?.failure === undefined ? course : { ...course, failure: standing.failure };
}

async function saveAll(
  checkpoints: TrainingCheckpoints,
  courses: readonly Course[],
  trained: readonly TrainedJob[],
  stack: TrainingStack,
): Promise<Checkpoint> {
  await stack.settle();
  return checkpoints.save(
    courses.map(({ position, log, failure }): JobStanding => {
      const losses = log.map(({ loss }) => loss);
      if (failure !== undefined) return { losses, failure };
      const ended = trained[position]?.parameters;
      return { losses, state: ended === undefined ? stack.stateOf(position) : { parameters: ended } };
    }),
  );
}

function nextStep({ plan: { job, steps, scales, dropout }, position, log: { length: step } }: Course): AdapterStep {
  const rows = steps[step] as readonly TokenRow[];
  const { seed, optimiser } = job;
  return { job: position, t: step + 1, seed, optimiser, rows, learningRate: learningRateAt(step, steps.length, optimiser), scales, dropout };
}

/** Of unlike steps the shorter ones, so that jobs with a long one wait for each other. */
function ofAboutOneLength(courses: readonly Course[]): Course[] {
  const lengths = courses.map(({ plan: { steps }, log }) => {
    const tokens = (steps[log.length] as readonly TokenRow[]).reduce((sum, { ids }) => sum + ids.length, 0);
    return Math.max(tokens, SHORT_TOKENS);
  });
  const limit = LENGTH_RATIO * Math.min(...lengths);
  return courses.filter((_, i) => (lengths[i] as number) <= limit);
}

/** Below this a run takes as long however few its tokens are. */
const SHORT_TOKENS = 32;
/** What may be padding, against what runs of their own would cost. */
const LENGTH_RATIO = 1.5;

function record(course: Course, { t, rows, learningRate }: AdapterStep, { losses, gradientNorms }: StepResult, n: number): void {
  const [loss, norm] = [losses[n] as number, gradientNorms[n] as number];
  if (Number.isFinite(loss) && Number.isFinite(norm)) course.log.push({ step: t - 1, loss, learningRate, lossTokens: countLossTokens(rows) });
  else {
    const message = `step ${t - 1}: expected a finite loss and gradient, got loss ${loss} and gradient norm ${norm}`;
    course.failure = { status: 'failed', code: 'NOT_FINITE', step: t - 1, message };
  }
}

function finished({ log, position, failure }: Course, stack: TrainingStack): TrainedJob {
  if (failure !== undefined) return { outcome: failure };
  const trainedTokens = log.reduce((sum, { lossTokens }) => sum + lossTokens, 0);
  const outcome: FineTuneOutcome = { status: 'done', steps: log.length, finalLoss: log.at(-1)?.loss ?? Number.NaN, trainedTokens, log };
  return { outcome, parameters: stack.parametersOf(position) };
}
