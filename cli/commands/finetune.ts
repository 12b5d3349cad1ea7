import type { Command } from 'commander';
import {
  BASE_PRECISIONS,
  type BasePrecision,
  type ExecutionProvider,
  type FineTuneOutcome,
  type FineTuneRequest,
  type LoraSettings,
  type Schedule,
  type TrainingRow,
} from '../../campaign/language-model';
import { chatRowReader } from '../chat';
import { checkpointsOf } from '../checkpoints';
import { newCommand, runWith, type CommonFlags } from '../command';
import { adapterDirectory, checkLoraSettings, checkModelDirectory, writableDirectory, writableFile } from '../directories';
import { writeOutput } from '../output-file';
import { ComputeFailedError } from '../compute-failed-error';
import { DATE_HELP, PARSE_SPECIAL_HELP, calendarDay, nonEmpty, oneOf, pattern, provider, PROVIDER_HELP, realNumber, schedule, seed, targets, wholeNumber } from '../flags';
import { withLanguageModel } from '../language-model';
import { type LoraFlags, loraSettings } from '../lora-settings';
import { locateRow, readTrainingRows } from '../row-file';

interface FinetuneFlags extends CommonFlags, Omit<LoraFlags, 'rsLora'> {
  readonly model: string;
  readonly data: string;
  readonly date?: string;
  readonly parseSpecial?: true;
  readonly out: string;
  readonly rslora?: boolean;
  readonly epochs: number;
  readonly lr: number;
  readonly batch: number;
  readonly accumulation: number;
  readonly gradientCheckpointing?: boolean;
  readonly memoryCheck: boolean;
  readonly provider: ExecutionProvider;
  readonly basePrecision: BasePrecision;
  readonly schedule: Schedule;
  readonly warmup: number;
  readonly seed: number;
  readonly shuffle: boolean;
  readonly initAdapter?: string;
  readonly lossLog?: string;
  readonly checkpointDir?: string;
  readonly checkpointSeconds: number;
}

/** `seal finetune`: one LoRA fine-tune of a model directory on a JSONL file. */
export function finetuneCommand(): Command {
  const command = newCommand('finetune', 'LoRA fine-tune a model on rows {text}, {prompt, completion} or {messages}')
    .requiredOption('--model <dir>', 'Hugging Face model directory', nonEmpty('--model', 'a directory'))
    .requiredOption('--data <file.jsonl>', 'training rows, one JSON object a line', nonEmpty('--data', 'a file'))
    .requiredOption('--out <dir>', 'where the PEFT adapter is written', nonEmpty('--out', 'a directory'))
    .option('--rank <n>', 'rank of the adapter (default: 32, or that of --init-adapter)', wholeNumber('--rank', 1, 1024))
    .option('--alpha <x>', 'scale is alpha / rank (default: 64, or that of --init-adapter)', realNumber('--alpha', { minimum: 0, inclusive: false }))
    .option('--targets <list>', 'all-linear, projections joined by commas, or a regular expression of module names (default: all-linear, or those of --init-adapter)', targets)
    .option('--rslora', 'scale is alpha / sqrt(rank)')
    .option('--rank-pattern <list>', 'ranks of some modules: KEY=RANK joined by commas, KEY as in PEFT', pattern('--rank-pattern', wholeNumber('--rank-pattern', 1, 1024)))
    .option('--alpha-pattern <list>', 'alphas of some modules: KEY=ALPHA joined by commas', pattern('--alpha-pattern', realNumber('--alpha-pattern', { minimum: 0, inclusive: false })))
    .option('--dropout <p>', "share of an adapter's input that a step drops (default: 0, or that of --init-adapter)", realNumber('--dropout', { minimum: 0, inclusive: true, maximum: 0.99 }))
    .option('--epochs <n>', 'passes over the rows', wholeNumber('--epochs', 1, 10_000), 10)
    .option('--lr <x>', 'peak learning rate', realNumber('--lr', { minimum: 0, inclusive: false, maximum: 1 }), 1e-3)
    .option('--batch <n>', 'rows a step', wholeNumber('--batch', 1, 4096), 1)
    .option('--accumulation <n>', 'parts in which the rows of a step are computed: less memory for the same step', wholeNumber('--accumulation', 1, 4096), 1)
    .option('--gradient-checkpointing', 'compute layers again in the backward pass: less memory, more time')
    .option('--no-memory-check', 'start even if more memory is expected to be needed than is available')
    .option('--provider <name>', PROVIDER_HELP, provider, 'cpu')
    .option('--base-precision <name>', 'of the frozen projections: float32, or int8 (faster, less exact)', oneOf('--base-precision', BASE_PRECISIONS), 'float32')
    .option('--schedule <name>', 'linear, cosine or constant', schedule, 'linear')
    .option('--warmup <n>', 'optimiser steps of linear warm-up', wholeNumber('--warmup', 0), 0)
    .option('--seed <n>', 'seed of the first A matrices and of the row order', seed('--seed'), 0)
    .option('--no-shuffle', 'keep the rows in the order of the file')
    .option('--init-adapter <dir>', 'PEFT adapter to start from', nonEmpty('--init-adapter', 'a directory'))
    .option('--parse-special', PARSE_SPECIAL_HELP)
    .option('--date <day>', DATE_HELP, calendarDay('--date'))
    .option('--loss-log <file>', 'write one JSON line a step: step, loss, learningRate, lossTokens', nonEmpty('--loss-log', 'a file'))
    .option('--checkpoint-dir <dir>', 'keep checkpoints here; the same command started again goes on from the newest', nonEmpty('--checkpoint-dir', 'a directory'))
    .option('--checkpoint-seconds <s>', 'between two checkpoints; 0: after every step', realNumber('--checkpoint-seconds', { minimum: 0, inclusive: true, maximum: 86_400 }), 60);
  return runWith<FinetuneFlags>(command, async (flags, output) => {
    const { rows, lines } = readTrainingRows(flags.data, { parseSpecial: flags.parseSpecial === true, chatRow: chatRowReader(flags.model, flags.date) });
    checkModelDirectory(flags.model);
    const init = flags.initAdapter === undefined ? undefined : adapterDirectory('--init-adapter', flags.initAdapter, flags.model);
    const lora = loraSettings({ ...flags, ...(flags.rslora === undefined ? {} : { rsLora: flags.rslora }) }, init);
    if (init === undefined) checkLoraSettings(lora, flags.model);
    writableDirectory('--out', flags.out);
    if (flags.lossLog !== undefined) writableFile('--loss-log', flags.lossLog);
    if (flags.checkpointDir !== undefined) writableDirectory('--checkpoint-dir', flags.checkpointDir);

    const training = requestOf(flags, lora, rows);
    const request = flags.checkpointDir === undefined ? training : { ...training, checkpoints: await checkpointsOf(training, flags.checkpointDir, flags.checkpointSeconds) };
    const result = await withLanguageModel(output, 'fine-tuning', ({ model, options }) =>
      model.fineTune(request, options).catch((error: unknown) => {
        throw locateRow(error, flags.data, lines);
      }),
    );
    const outcome = finished(result.outcomes[0]);
    if (flags.lossLog !== undefined) {
      writeOutput('--loss-log', flags.lossLog, outcome.log.map((step) => `${JSON.stringify(step)}\n`).join(''));
    }
    const { steps, finalLoss, trainedTokens } = outcome;
    const { seconds, resumedSteps = 0 } = result;
    const document = { adapter: flags.out, steps, finalLoss, trainedTokens, seconds, resumedSteps };
    const resumed = resumedSteps === 0 ? '' : ` (${resumedSteps} of them from a checkpoint)`;
    output.result(
      document,
      () => `adapter in ${flags.out}: ${steps} steps${resumed} on ${trainedTokens} tokens, final loss ${finalLoss.toFixed(4)}, ${seconds.toFixed(1)} s`,
    );
  });
}

function requestOf(flags: FinetuneFlags, lora: LoraSettings, rows: readonly TrainingRow[]): FineTuneRequest {
  return {
    modelDirectory: flags.model,
    compute: { executionProviders: [flags.provider], basePrecision: flags.basePrecision },
    lora,
    ...(flags.gradientCheckpointing === true && { gradientCheckpointing: true }),
    ...(flags.memoryCheck && { memoryLimitBytes: process.availableMemory() }),
    jobs: [
      {
        rows,
        optimiser: {
          trainEpochs: flags.epochs,
          learningRate: flags.lr,
          batch: flags.batch,
          accumulation: flags.accumulation,
          schedule: flags.schedule,
          warmupSteps: flags.warmup,
          shuffle: flags.shuffle,
          clipNorm: 1,
          weightDecay: 0,
        },
        seed: flags.seed,
        outDirectory: flags.out,
        ...(flags.initAdapter === undefined ? {} : { initAdapterDirectory: flags.initAdapter }),
      },
    ],
  };
}

/** @throws ComputeFailedError where the training broke down */
function finished(outcome: FineTuneOutcome | undefined): Extract<FineTuneOutcome, { status: 'done' }> {
  if (outcome === undefined) throw new ComputeFailedError('NO_ANSWER', 'the compute process answered without an outcome');
  if (outcome.status === 'failed') throw new ComputeFailedError(outcome.code, outcome.message);
  return outcome;
}
