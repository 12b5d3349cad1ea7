import { join } from 'node:path';
import { PROJECTIONS, type ComputeSettings, type FineTuneRequest, type LanguageModel } from '../campaign/language-model';
import { seededRandom } from '../seal/algorithm/seeds';
import { type BenchRun, LORA, megabytes } from './bench-run';
import { inTurns } from './measure';
import type { Peer, PeerSettings } from './peer';
import { HALF_BILLION, type ModelShape, SMALL, randomText } from './random-model';

/** A batch composition, with the optimiser steps of one repeat. */
export interface StepShape {
  readonly batch: number;
  readonly length: number;
  readonly steps: number;
}

/** A peer that a step is compared with. */
interface StepPeer {
  readonly name: string;
  readonly settings: Partial<PeerSettings>;
}

const EAGER: StepPeer = { name: 'PyTorch + PEFT, eager fp32', settings: {} };
const COMPILED: StepPeer = { name: 'PyTorch + PEFT, compiled fp32', settings: { compile: true } };
const BF16: StepPeer = { name: 'PyTorch + PEFT, eager bf16', settings: { precision: 'bfloat16' } };

const SMALL_SHAPES: readonly StepShape[] = [
  { batch: 1, length: 128, steps: 40 },
  { batch: 8, length: 128, steps: 10 },
];
const LARGE_SHAPE: StepShape = { batch: 1, length: 256, steps: 2 };
const REPEATS = 5;
/** Of each row of `--quick`. */
const QUICK_STEPS = 2;
/** A step of the large model takes seconds. */
const LARGE_REPEATS = 3;

/** A fine-tune of `maxSteps` optimiser steps on random rows. */
export function stepRequest(
  modelDirectory: string,
  outDirectory: string,
  model: ModelShape,
  { batch, length }: StepShape,
  maxSteps: number,
  compute: ComputeSettings = {},
): FineTuneRequest {
  const random = seededRandom(1);
  const rows = Array.from({ length: batch * maxSteps }, () => ({ text: randomText(length, random, model) }));
  const { rank, alpha, learningRate } = LORA;
  const optimiser = {
    trainEpochs: 1, maxSteps, learningRate, batch, schedule: 'linear', warmupSteps: 0, shuffle: false, clipNorm: 1, weightDecay: 0,
  } as const;
  const job = { rows, optimiser, seed: 1, outDirectory: join(outDirectory, 'adapter') };
  return { modelDirectory, compute, lora: { rank, alpha, targets: PROJECTIONS }, jobs: [job] };
}

/** Milliseconds of a step of the engine, tokenising the rows included. */
export async function ourStepMs(languageModel: LanguageModel, request: FineTuneRequest): Promise<number> {
  const { outcomes, seconds } = await languageModel.fineTune(request);
  const [outcome] = outcomes;
  if (outcome?.status !== 'done') throw new Error(`fine-tuning failed: ${outcome?.message ?? 'no outcome'}`);
  return (1000 * seconds) / outcome.steps;
}

async function theirStepMs(peer: Peer, { batch, length }: StepShape, steps: number): Promise<number> {
  const { seconds } = await peer.run('steps', { batch, length, steps });
  return (1000 * seconds) / steps;
}

/** LoRA steps of the small model, against eager and compiled. */
export async function benchSmallSteps(run: BenchRun): Promise<void> {
  for (const against of [EAGER, COMPILED]) {
    for (const shape of SMALL_SHAPES) await stepRow(run, 'step', SMALL, shape, against, REPEATS);
    await run.close();
  }
}

/** The half-billion shape: exact and with an int8 base, against eager, compiled and bf16; then memory. */
export async function benchLargeSteps(run: BenchRun): Promise<void> {
  for (const against of [EAGER, COMPILED, BF16]) {
    await stepRow(run, 'large', HALF_BILLION, LARGE_SHAPE, against, LARGE_REPEATS, against === EAGER);
    await run.close();
  }
  for (const against of [EAGER, COMPILED, BF16]) {
    await stepRow(run, 'large', HALF_BILLION, LARGE_SHAPE, against, LARGE_REPEATS, false, { basePrecision: 'int8' });
    await run.close();
  }
}

async function stepRow(
  run: BenchRun,
  group: string,
  model: ModelShape,
  shape: StepShape,
  against: StepPeer,
  repeats: number,
  withMemory = false,
  compute: ComputeSettings = {},
): Promise<void> {
  const precision = compute.basePrecision === 'int8' ? 'int8 base' : 'fp32';
  const work = `LoRA step ${model.name} ${shape.batch}x${shape.length}, ${precision}`;
  const about = { group, peer: against.name };
  let memory: { readonly ours: number; readonly theirs: number; readonly note: string } | undefined;
  await run.row({ ...about, work, unit: 'ms' }, async () => {
    const directory = run.model(model);
    const languageModel = run.ours();
    const request = (steps: number): FineTuneRequest => stepRequest(directory, run.options.directory, model, shape, steps, compute);
    // Opening the session, first allocations, and compiling belong to neither figure.
    await languageModel.fineTune(request(1));
    const peer = await run.peer(directory, against.settings);
    await theirStepMs(peer, shape, 2);
    const steps = run.options.quick ? QUICK_STEPS : shape.steps;
    const figures = await inTurns(run.repeats(repeats), {
      ours: () => ourStepMs(languageModel, request(steps)),
      theirs: () => theirStepMs(peer, shape, steps),
    });
    const { peakBytes } = await peer.run('steps', { ...shape, steps: 1 });
    const { megabytes: held, note } = run.ourMemory(languageModel);
    memory = { ours: held, theirs: megabytes(peakBytes), note };
    return figures;
  });
  if (!withMemory) return;
  await run.row({ ...about, work: `memory of that, peak`, unit: 'MB' }, () => {
    if (memory === undefined) throw new Error('the step was not measured');
    return Promise.resolve(memory);
  });
}
