import type { InferenceSession } from 'onnxruntime-node';
import type {
  ComputeProgress,
  FineTuneJob,
  FineTuneOutcome,
  FineTuneRequest,
  FineTuneResult,
  OptimiserSettings,
  StepLog,
} from '../../contracts/language-model';
import { readAdapter, writeAdapter } from '../files/adapter';
import { adamWScalars } from './adamw';
import { checkAdapterFits } from './adapter-stack';
import type { ReadBack } from './device-memory';
import type { LoadedModel } from './loaded-model';
import { type LoraLayout, flattenAdapter, initialiseLora, loraLayout, unflattenAdapter } from './lora';
import { permutation, randomStream } from './random';
import { type TokenBatch, type TokenRow, packRows, tokeniseRow } from './rows';
import { learningRateAt } from './schedule';
import { columnTensor, floatTensor, integerTensor } from './tensors';
import { TrainingState, runStep } from './training-state';

/** What a job trains on at each optimiser step, fixed before the first. */
interface JobPlan {
  readonly job: FineTuneJob;
  readonly initial: Float32Array;
  readonly steps: readonly (readonly TokenRow[])[];
  readonly log: StepLog[];
}

/**
 * LoRA fine-tuning of the request's jobs, stacked: every run of the graph is one optimiser step of every job that has one left. A
 * job's rows, learning rate, length and end are its own; a loss that is not finite ends that job alone.
 *
 * Source: paper, section 3.1 (inner loop) and appendix B (settings).
 * @throws BadInputError for rows or an initial adapter that do not fit the model
 */
export async function fineTune(
  model: LoadedModel,
  request: FineTuneRequest,
  onProgress: (progress: ComputeProgress) => void,
): Promise<FineTuneResult> {
  const started = performance.now();
  const layout = loraLayout(model.config, request.lora);
  const plans = request.jobs.map((job, i) => planJob(model, layout, job, request.jobs.length === 1 ? 'row' : `job ${i + 1}, row`));
  const session = await model.trainingSession(layout, request.compute);
  const readBack = await model.readBack(request.compute);
  const outcomes = await train(session, layout, plans, onProgress, readBack);
  const seconds = (performance.now() - started) / 1000;
  plans.forEach(({ job }, i) => {
    const { parameters } = outcomes[i] as TrainedJob;
    if (parameters === undefined) return;
    writeAdapter(job.outDirectory, unflattenAdapter(layout, parameters), model.config, { baseModel: model.name });
  });
  return { outcomes: outcomes.map(({ outcome }) => outcome), seconds };
}

function planJob(model: LoadedModel, layout: LoraLayout, job: FineTuneJob, where: string): JobPlan {
  const random = randomStream(job.seed);
  const initial = initialParameters(model, layout, job, random);
  const rows = job.rows.map((row, i) =>
    tokeniseRow(row, model.tokenizer, model.config, { appendEos: true, where: `${where} ${i + 1}` }),
  );
  return { job, initial, steps: planSteps(rows, job.optimiser, random), log: [] };
}

function initialParameters(model: LoadedModel, layout: LoraLayout, job: FineTuneJob, random: () => number): Float32Array {
  if (job.initAdapterDirectory === undefined) return initialiseLora(layout, random);
  const adapter = readAdapter(job.initAdapterDirectory, model.config);
  checkAdapterFits(job.initAdapterDirectory, adapter, layout.settings, model.config);
  return flattenAdapter(layout, adapter);
}

/** Rows of each step: every train epoch in a new order, cut into batches; the last of an epoch may be smaller. */
export function planSteps<Row>(rows: readonly Row[], optimiser: OptimiserSettings, random: () => number): Row[][] {
  const { batch, maxSteps, shuffle } = optimiser;
  const stepsAnEpoch = Math.ceil(rows.length / batch);
  const total = maxSteps ?? stepsAnEpoch * optimiser.trainEpochs;
  const steps: Row[][] = [];
  while (steps.length < total && stepsAnEpoch > 0) {
    const order = shuffle ? permutation(rows.length, random) : rows.map((_, i) => i);
    for (let start = 0; start < rows.length && steps.length < total; start += batch) {
      steps.push(order.slice(start, start + batch).map((i) => rows[i] as Row));
    }
  }
  return steps;
}

interface TrainedJob {
  readonly outcome: FineTuneOutcome;
  /** Absent if the job failed. */
  readonly parameters?: Float32Array;
}

async function train(
  session: InferenceSession,
  layout: LoraLayout,
  plans: readonly JobPlan[],
  onProgress: (progress: ComputeProgress) => void,
  readBack: ReadBack | undefined,
): Promise<TrainedJob[]> {
  const finished = new Map<number, TrainedJob>();
  const total = Math.max(0, ...plans.map(({ steps }) => steps.length));
  let state = TrainingState.start(plans.map(({ initial }) => initial), readBack);
  let active = plans.map((_, job) => job);
  for (let step = 0; step < total; step += 1) {
    const ended = active.filter((n) => (plans[n] as JobPlan).steps.length === step);
    if (ended.length > 0) await state.settle();
    for (const job of ended) {
      finished.set(job, { outcome: doneOutcome(plans[job] as JobPlan), parameters: state.parametersOf(job) });
    }
    const still = active.filter((job) => !finished.has(job));
    if (still.length === 0) break;
    if (still.length < active.length) {
      await state.settle();
      const kept = state.keep(still);
      state.release();
      state = kept;
    }
    active = still;
    const running = active.map((job) => plans[job] as JobPlan);
    const batch = packRows(running.map(({ steps }) => steps[step] as readonly TokenRow[]));
    const rates = running.map(({ job, steps }) => learningRateAt(step, steps.length, job.optimiser));
    const { losses, norms } = await runStep(session, state, stepFeeds(layout, running, batch, rates, step));
    active.forEach((job, n) => {
      const loss = losses[n] as number;
      if (Number.isFinite(loss) && Number.isFinite(norms[n])) {
        const lossTokens = batch.lossTokens[n] as number;
        (plans[job] as JobPlan).log.push({ step, loss, learningRate: rates[n] as number, lossTokens });
        return;
      }
      const message = `step ${step}: expected a finite loss and gradient, got loss ${loss} and gradient norm ${norms[n]}`;
      finished.set(job, { outcome: { status: 'failed', code: 'NOT_FINITE', step, message } });
    });
    onProgress({ done: step + 1, total, unit: 'steps' });
  }
  await state.settle();
  for (const job of active.filter((n) => !finished.has(n))) {
    finished.set(job, { outcome: doneOutcome(plans[job] as JobPlan), parameters: state.parametersOf(job) });
  }
  state.release();
  return plans.map((_, job) => finished.get(job) as TrainedJob);
}

function doneOutcome({ log }: JobPlan): FineTuneOutcome {
  const trainedTokens = log.reduce((sum, { lossTokens }) => sum + lossTokens, 0);
  return { status: 'done', steps: log.length, finalLoss: log.at(-1)?.loss ?? Number.NaN, trainedTokens, log };
}

function stepFeeds(layout: LoraLayout, plans: readonly JobPlan[], batch: TokenBatch, rates: readonly number[], step: number) {
  const { N, B, T } = batch;
  const { scales } = layout;
  const scalars = plans.map(({ job }, n) => adamWScalars(step + 1, rates[n] as number, job.optimiser.weightDecay));
  return {
    ids: integerTensor(batch.ids, [N, B, T]),
    positions: integerTensor(batch.positions, [B * N, T]),
    segments: integerTensor(batch.segments, [B * N, T]),
    labels: integerTensor(batch.labels, [N, B * T]),
    weights: floatTensor(batch.weights, [N, B * T]),
    scale: floatTensor(Float32Array.from({ length: N * scales.length }, (_, i) => scales[i % scales.length] as number), [N, 1, scales.length]),
    stepSize: columnTensor(scalars.map(([stepSize]) => stepSize)),
    secondMomentCorrection: columnTensor(scalars.map(([, correction]) => correction)),
    decay: columnTensor(scalars.map(([, , decay]) => decay)),
    maxNorm: columnTensor(plans.map(({ job }) => job.optimiser.clipNorm)),
  };
}
