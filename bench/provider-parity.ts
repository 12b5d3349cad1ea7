import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { PROJECTIONS, type ExecutionProvider, type LanguageModel } from '../campaign/language-model';
import { questionPrompt } from '../seal/domains/knowledge/prompts';
import { worldContexts } from '../seal/domains/knowledge/world/contexts';
import { worldSpecSchema } from '../seal/domains/knowledge/world/world-spec';
import { type BenchRun, LORA } from './bench-run';

/** |there - CPU| / |CPU|, at most. CUDA multiplies in TF32, which keeps 10 bits of a factor. */
const TOLERANCE: Readonly<Record<ExecutionProvider, number>> = { cpu: 0, webgpu: 1e-4, cuda: 2e-3 };
const STEPS = 20;
const ANSWER_TOKENS = 16;

/** What one provider gives for the same questions of the nano model. */
interface Answers {
  readonly losses: readonly number[];
  readonly scores: readonly number[];
  readonly tokens: readonly string[];
}

/** Loss traces of a fine-tune, scores and greedy tokens of its adapter, there and on the CPU, with the nano model. */
export async function checkParity(run: BenchRun, provider: ExecutionProvider): Promise<boolean> {
  const model = run.ours();
  const there = await answers(run, model, provider);
  const here = await answers(run, model, 'cpu');
  await run.close();
  const losses = worstDifference(there.losses, here.losses);
  const scores = worstDifference(there.scores, here.scores);
  const equal = there.tokens.filter((tokens, i) => tokens === here.tokens[i]).length;
  const agreed = losses <= TOLERANCE[provider] && scores <= TOLERANCE[provider] && equal === here.tokens.length;
  const note =
    `${agreed ? 'parity holds' : 'PARITY FAILS'}: ${STEPS} losses within ${losses.toExponential(1)}, ${here.scores.length} scores within ` +
    `${scores.toExponential(1)} (allowed ${TOLERANCE[provider]}), ${equal} of ${here.tokens.length} greedy answers equal`;
  run.options.print({ group: 'gpu', work: `${provider}: parity, nano`, peer: 'our own on the CPU', unit: 'ms', ours: null, theirs: null, note });
  return agreed;
}

async function answers(run: BenchRun, model: LanguageModel, provider: ExecutionProvider): Promise<Answers> {
  const nano = join(run.options.repository, 'examples/nano');
  const file = join(nano, 'world.yaml');
  const [context] = worldContexts(worldSpecSchema.parse(parse(readFileSync(file, 'utf8'))), 'heldOut', 0, 1);
  if (context === undefined) throw new Error('the nano world has no held-out passage');
  const modelDirectory = join(nano, 'model');
  const adapterDirectory = join(run.options.directory, `parity-${provider}`);
  const compute = { executionProviders: [provider] };
  const rows = [...(context.oracle ?? []).slice(0, 8), context.context].map((line) => ({ text: `${context.title}\n${line}` }));
  const { rank, alpha, learningRate } = LORA;
  const optimiser = {
    trainEpochs: 1, maxSteps: STEPS, learningRate, batch: 2, schedule: 'linear', warmupSteps: 0, shuffle: true, clipNorm: 1, weightDecay: 0,
  } as const;
  const lora = { rank, alpha, targets: PROJECTIONS };
  const { outcomes } = await model.fineTune({ modelDirectory, compute, lora, jobs: [{ rows, optimiser, seed: 1, outDirectory: adapterDirectory }] });
  const [outcome] = outcomes;
  if (outcome?.status !== 'done') throw new Error(`fine-tuning on ${provider} failed: ${outcome?.message ?? 'no outcome'}`);
  const scored = await model.score({ modelDirectory, compute, groups: [{ adapterDirectory, rows }] });
  const prompts = context.questions.map(({ question }) => ({ prompt: questionPrompt(context.title, question) }));
  const generated = await model.generate({ modelDirectory, compute, groups: [{ adapterDirectory, rows: prompts }], maxNewTokens: ANSWER_TOKENS, temperature: 0, topP: 1 });
  return {
    losses: outcome.log.map(({ loss }) => loss),
    scores: (scored.groups[0] ?? []).map(({ logprob }) => logprob),
    tokens: (generated.groups[0] ?? []).map(({ tokenIds }) => tokenIds.join(' ')),
  };
}

function worstDifference(there: readonly number[], here: readonly number[]): number {
  return Math.max(...here.map((value, i) => Math.abs((there[i] ?? Number.NaN) - value) / Math.abs(value)));
}
