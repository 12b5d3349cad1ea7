import { join } from 'node:path';
import { PROJECTIONS, type FineTuneRequest, type LanguageModel } from '../contracts/language-model';
import { seededRandom } from '../seal/seeds';
import { peakMemoryBytes } from './process-memory';
import type { Peer, StepTiming } from './peer';
import { randomText } from './random-llama';

/** Settings of the LoRA step, on both sides. */
export const LORA = { rank: 32, alpha: 64, learningRate: 1e-3 } as const;

/** Batch compositions that are measured, with the steps of one repeat. */
export const STEP_SHAPES = [
  { batch: 1, length: 128, steps: 40 },
  { batch: 8, length: 128, steps: 10 },
] as const;

export type StepShape = (typeof STEP_SHAPES)[number];

/** A fine-tune of `steps` optimiser steps of `batch` rows of `length` tokens. */
function request(modelDirectory: string, outDirectory: string, { batch, length, steps }: StepShape, maxSteps: number): FineTuneRequest {
  const random = seededRandom(1);
  const rows = Array.from({ length: batch * steps }, () => ({ text: randomText(length, random) }));
  const { rank, alpha, learningRate } = LORA;
  const optimiser = {
    trainEpochs: 1, maxSteps, learningRate, batch, schedule: 'linear', warmupSteps: 0, shuffle: false, clipNorm: 1, weightDecay: 0,
  } as const;
  return { modelDirectory, lora: { rank, alpha, targets: PROJECTIONS }, jobs: [{ rows, optimiser, seed: 1, outDirectory: join(outDirectory, 'adapter') }] };
}

/** Seconds of a step of the engine, tokenising the rows and writing the adapter included. */
export async function timeOurStep(
  languageModel: LanguageModel & { readonly pid: number | undefined },
  modelDirectory: string,
  outDirectory: string,
  shape: StepShape,
  steps: number = shape.steps,
): Promise<StepTiming> {
  const { outcomes, seconds } = await languageModel.fineTune(request(modelDirectory, outDirectory, shape, steps));
  const outcome = outcomes[0];
  if (outcome?.status !== 'done') throw new Error(`fine-tuning failed: ${outcome?.message ?? 'no outcome'}`);
  if (languageModel.pid === undefined) throw new Error('the compute process is gone');
  return { secondsPerStep: seconds / outcome.steps, peakBytes: peakMemoryBytes(languageModel.pid) };
}

export interface Measured {
  readonly ours: readonly StepTiming[];
  readonly peer: readonly StepTiming[];
}

/** Measures one shape on both sides in turns, so that whatever else the machine does falls on both. */
export async function measureStep(
  repeats: number,
  shape: StepShape,
  ours: (steps?: number) => Promise<StepTiming>,
  peer: Peer | undefined,
): Promise<Measured> {
  const measured: { ours: StepTiming[]; peer: StepTiming[] } = { ours: [], peer: [] };
  // Opening the session, first allocations and the peer's own warm-up belong to neither figure.
  await ours(2);
  await peer?.time(shape.batch, shape.length, 2);
  for (let repeat = 0; repeat < repeats; repeat += 1) {
    measured.ours.push(await ours());
    if (peer !== undefined) measured.peer.push(await peer.time(shape.batch, shape.length, shape.steps));
  }
  return measured;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const upper = sorted[sorted.length >> 1];
  const lower = sorted[(sorted.length - 1) >> 1];
  if (upper === undefined || lower === undefined) throw new RangeError('median of nothing');
  return (lower + upper) / 2;
}
