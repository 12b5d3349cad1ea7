import { BadInputError } from '../../../campaign/errors';
import type {
  ComputeProgress,
  FineTuneJob,
  FineTuneRequest,
  FineTuneResult,
  LoraSettings,
  OptimiserSettings,
} from '../../../campaign/language-model';
import { readAdapter, writeAdapter } from '../../files/adapter';
import { checkAdapterFits } from '../lora/adapter-stack';
import type { LoadedModel } from '../loaded-model';
import { type AdapterLayout, type LoraLayout, flattenAdapter, initialiseLora, loraLayout, unflattenAdapter } from '../lora/lora';
import { permutation, randomStream } from '../random';
import { tokeniseRow } from '../rows';
import { placedInStack, scalesInStack, stackedLayout, takenFromStack } from '../lora/stacked-layout';
import { refuseBeyondMemory } from './training-memory';
import { TrainingCheckpoints } from './training-checkpoint';
import { type JobPlan, trainJobs } from './training-run';
import { openTraining } from './open-training';

/**
 * LoRA fine-tuning of the request's jobs, stacked: every run of the graph is one optimiser step of every job that has one left. A
 * job's rows, rank, learning rate, length and end are its own; a loss that is not finite ends that job alone.
 *
 * Source: paper, section 3.1 (inner loop) and appendix B (settings).
 * @throws BadInputError for rows, a rank or an initial adapter that do not fit the model, and for more memory than the request allows
 */
export async function fineTune(
  model: LoadedModel,
  request: FineTuneRequest,
  onProgress: (progress: ComputeProgress) => void,
): Promise<FineTuneResult> {
  const started = performance.now();
  const layouts = request.jobs.map((job, i) => loraLayout(model.config, loraOfJob(request.lora, job, `job ${i + 1}`)));
  const stack = stackedLayout(model.config, layouts);
  const plans = request.jobs.map((job, i) => planJob(model, layouts[i] as AdapterLayout, stack, job, request.jobs.length === 1 ? 'row' : `job ${i + 1}, row`));
  refuseBeyondMemory(model.directory, request, plans);
  const checkpoints = request.checkpoints && new TrainingCheckpoints(request.checkpoints);
  const { trained, resumedSteps } = await trainJobs(await openTraining(model, stack, request), plans, onProgress, checkpoints);
  const seconds = (performance.now() - started) / 1000;
  trained.forEach(({ parameters }, i) => {
    if (parameters === undefined) return;
    const { outDirectory } = request.jobs[i] as FineTuneJob;
    const own = layouts[i] as AdapterLayout;
    writeAdapter(outDirectory, unflattenAdapter(own, takenFromStack(parameters, own, stack)), model.config, { baseModel: model.name });
  });
  checkpoints?.clear();
  return { outcomes: trained.map(({ outcome }) => outcome), seconds, resumedSteps };
}

/** @throws BadInputError */
function loraOfJob(lora: LoraSettings, { lora: own = {} }: FineTuneJob, where: string): LoraSettings {
  const { rank = lora.rank, alpha = lora.alpha } = own;
  if (!Number.isInteger(rank) || rank < 1) throw new BadInputError({ where: `${where}: lora.rank`, expected: 'a whole number from 1', got: String(rank) });
  if (!Number.isFinite(alpha) || alpha <= 0) throw new BadInputError({ where: `${where}: lora.alpha`, expected: 'a number above 0', got: String(alpha) });
  return { ...lora, rank, alpha };
}

function planJob(model: LoadedModel, own: AdapterLayout, stack: LoraLayout, job: FineTuneJob, where: string): JobPlan {
  const random = randomStream(job.seed);
  const initial = placedInStack(initialParameters(model, own, job, random), own, stack);
  const rows = job.rows.map((row, i) =>
    tokeniseRow(row, model.tokenizer, model.config, { appendEos: true, where: `${where} ${i + 1}` }),
  );
  return { job, initial, scales: scalesInStack(own, stack), dropout: own.settings.dropout ?? 0, steps: planSteps(rows, job.optimiser, random) };
}

function initialParameters(model: LoadedModel, layout: AdapterLayout, job: FineTuneJob, random: () => number): Float32Array {
  if (job.initAdapterDirectory === undefined) return initialiseLora(layout, random);
  const adapter = readAdapter(job.initAdapterDirectory, model.config, model.directory.tensors);
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
