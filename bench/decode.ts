import type { ComputeSettings, GenerateRequest, LanguageModel } from '../campaign/language-model';
import { seededRandom } from '../seal/algorithm/seeds';
import type { BenchRun } from './bench-run';
import { inTurns } from './measure';
import type { Peer, PeerAnswer } from './peer';
import { HALF_BILLION, type ModelShape, SMALL, randomText } from './random-model';

const PROMPT_TOKENS = 32;
const BATCHES = [1, 16] as const;
const PRECISIONS = ['float32', 'int8', 'int4'] as const;
const REPEATS = 3;

interface DecodeWork {
  readonly model: ModelShape;
  readonly newTokens: number;
}
const WORKS: readonly DecodeWork[] = [
  { model: SMALL, newTokens: 64 },
  { model: HALF_BILLION, newTokens: 16 },
];

/** Greedy generation with a cache, prefill included: milliseconds of a step that gives every row of the batch one token. */
export async function benchDecode(run: BenchRun): Promise<void> {
  for (const { model, newTokens } of WORKS) {
    for (const batch of BATCHES) {
      for (const precision of PRECISIONS) await decodeRow(run, model, newTokens, batch, { generationPrecision: precision });
    }
    await run.close();
  }
}

async function decodeRow(run: BenchRun, model: ModelShape, newTokens: number, batch: number, compute: ComputeSettings): Promise<void> {
  const precision = compute.generationPrecision === 'float32' ? 'fp32' : compute.generationPrecision;
  const about = { group: 'decode', work: `greedy decode ${model.name}, batch ${batch}, ${precision}`, peer: 'transformers generate, fp32', unit: 'ms' } as const;
  await run.row(about, async () => {
    const modelDirectory = run.model(model);
    const random = seededRandom(2);
    const prompts = Array.from({ length: batch }, () => randomText(PROMPT_TOKENS, random, model));
    const languageModel = run.ours();
    const request = generateRequest(modelDirectory, prompts, newTokens, compute);
    await languageModel.generate(request);
    const peer = await run.peer(modelDirectory, { adapted: false });
    await theirTokenMs(peer, prompts, newTokens);
    const figures = await inTurns(run.repeats(REPEATS), { ours: () => ourTokenMs(languageModel, request), theirs: () => theirTokenMs(peer, prompts, newTokens) });
    await run.close();
    return figures;
  });
}

/** A greedy request for all prompts at once, on the base. */
export function generateRequest(modelDirectory: string, prompts: readonly string[], maxNewTokens: number, compute: ComputeSettings = {}): GenerateRequest {
  const rows = prompts.map((prompt) => ({ prompt }));
  return { modelDirectory, compute, groups: [{ adapterDirectory: null, rows }], maxNewTokens, temperature: 0, topP: 1 };
}

/** By the longest row: the others run along, or have ended. */
export async function ourTokenMs(languageModel: LanguageModel, request: GenerateRequest): Promise<number> {
  const { groups, seconds } = await languageModel.generate(request);
  const longest = Math.max(...groups.flat().map(({ tokenIds }) => tokenIds.length));
  return (1000 * seconds) / longest;
}

async function theirTokenMs(peer: Peer, prompts: readonly string[], newTokens: number): Promise<number> {
  const { seconds, decodeSteps } = await peer.run<PeerAnswer & { readonly decodeSteps: number }>('generate', { prompts, newTokens });
  return (1000 * seconds) / decodeSteps;
}
