import { statfsSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../campaign/errors';
import type { ExecutionProvider } from '../campaign/language-model';
import type { ComputeProcess } from '../engine/runtime/compute-client';
import type { BenchRun } from './bench-run';
import { generateRequest, ourTokenMs } from './decode';
import { ourStepMs, stepRequest, type StepShape } from './lora-step';
import { inTurns } from './measure';
import { checkParity } from './provider-parity';
import { HALF_BILLION, type ModelShape, SEVEN_BILLION, SMALL, randomText } from './random-model';
import { seededRandom } from '../seal/algorithm/seeds';

const DEVICES: readonly ExecutionProvider[] = ['cuda', 'webgpu'];
const REPEATS = 3;
const SMALL_STEP: StepShape = { batch: 8, length: 128, steps: 5 };
const LARGE_STEP: StepShape = { batch: 1, length: 256, steps: 2 };
/** Weights of the largest shape in a file, and room beside it. */
const LARGEST_DISK_BYTES = 20e9;

/**
 * Parity with the CPU and speed on every device provider that is here.
 *
 * @returns false if a provider that is here disagrees with the CPU, or if none is here
 */
export async function benchProviders(run: BenchRun): Promise<boolean> {
  let agreed = true;
  let found = 0;
  for (const provider of DEVICES) {
    const why = await whyUnavailable(run, provider);
    if (why !== null) {
      run.options.print({ group: 'gpu', work: provider, peer: 'the CPU', unit: 'ms', ours: null, theirs: null, note: `not available: ${why}` });
      continue;
    }
    found += 1;
    agreed = (await checkParity(run, provider)) && agreed;
    await benchProvider(run, provider);
    await run.close();
  }
  return agreed && found > 0;
}

/** Asks the provider for one small answer. */
async function whyUnavailable(run: BenchRun, provider: ExecutionProvider): Promise<string | null> {
  try {
    await run.ours().generate(generateRequest(run.model(SMALL), ['w5 w6'], 1, { executionProviders: [provider] }));
    return null;
  } catch (error) {
    if (error instanceof BadInputError) return error.detail.got;
    return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  } finally {
    await run.close();
  }
}

async function benchProvider(run: BenchRun, provider: ExecutionProvider): Promise<void> {
  const gain = await stepRow(run, provider, SMALL, SMALL_STEP);
  await decodeRow(run, provider, SMALL);
  if (gain === null || gain < 1) {
    run.options.say(`${provider}: no faster than the CPU on the small shape, so the large ones are left out`);
    return;
  }
  await stepRow(run, provider, HALF_BILLION, LARGE_STEP);
  await decodeRow(run, provider, HALF_BILLION);
  const { bavail, bsize } = statfsSync(run.options.directory);
  if (provider !== 'cuda' || bavail * bsize < LARGEST_DISK_BYTES) {
    run.options.say(`${provider}: the ${SEVEN_BILLION.name} shape is left out (it needs cuda, and ${LARGEST_DISK_BYTES / 1e9} GB of disk)`);
    return;
  }
  await stepRow(run, provider, SEVEN_BILLION, LARGE_STEP, false);
  await decodeRow(run, provider, SEVEN_BILLION, false);
}

/** A LoRA step there and on the CPU. @returns how many times faster it is there; null where that was not measured */
async function stepRow(run: BenchRun, provider: ExecutionProvider, model: ModelShape, shape: StepShape, onCpu = true): Promise<number | null> {
  let gain: number | null = null;
  const work = `${provider}: LoRA step ${model.name} ${shape.batch}x${shape.length}`;
  await run.row({ group: 'gpu', work, peer: 'our own on the CPU', unit: 'ms' }, async () => {
    const directory = run.model(model);
    const request = (where: ExecutionProvider, steps: number) =>
      stepRequest(directory, join(run.options.directory, where), model, shape, steps, { executionProviders: [where] });
    const figures = await compare(run, provider, onCpu, {
      warmUp: (process, where) => process.fineTune(request(where, 1)),
      measure: (process, where) => ourStepMs(process, request(where, shape.steps)),
    });
    gain = figures.theirs === null ? null : figures.theirs / figures.ours;
    return figures;
  });
  return gain;
}

async function decodeRow(run: BenchRun, provider: ExecutionProvider, model: ModelShape, onCpu = true): Promise<void> {
  await run.row({ group: 'gpu', work: `${provider}: greedy decode ${model.name}, batch 16`, peer: 'our own on the CPU', unit: 'ms' }, async () => {
    const directory = run.model(model);
    const random = seededRandom(3);
    const prompts = Array.from({ length: 16 }, () => randomText(32, random, model));
    const request = (where: ExecutionProvider) => generateRequest(directory, prompts, 16, { executionProviders: [where] });
    return compare(run, provider, onCpu, {
      warmUp: (process, where) => process.generate(request(where)),
      measure: (process, where) => ourTokenMs(process, request(where)),
    });
  });
}

interface Comparable {
  readonly warmUp: (process: ComputeProcess, where: ExecutionProvider) => Promise<unknown>;
  readonly measure: (process: ComputeProcess, where: ExecutionProvider) => Promise<number>;
}

/** Each side in a process of its own. */
async function compare(run: BenchRun, provider: ExecutionProvider, onCpu: boolean, work: Comparable): Promise<{ ours: number; theirs: number | null; note?: string }> {
  const there = run.ours();
  await work.warmUp(there, provider);
  if (!onCpu) {
    const { ours } = await inTurns(run.repeats(REPEATS), { ours: () => work.measure(there, provider) });
    await run.close();
    return { ours, theirs: null, note: 'the CPU was not asked: it would take minutes a step' };
  }
  const here = run.ours();
  await work.warmUp(here, 'cpu');
  const figures = await inTurns(run.repeats(REPEATS), { ours: () => work.measure(there, provider), theirs: () => work.measure(here, 'cpu') });
  await run.close();
  return figures;
}
