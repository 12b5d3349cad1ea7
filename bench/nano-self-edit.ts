import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Passage } from '../seal/domains/knowledge/passage';
import { PROJECTIONS, type FineTuneJob, type LanguageModel } from '../campaign/language-model';
import { questionPrompt } from '../seal/domains/knowledge/prompts';
import { worldContexts } from '../seal/domains/knowledge/world/contexts';
import { worldSpecSchema } from '../seal/domains/knowledge/world/world-spec';
import { type BenchRun, LORA, megabytes } from './bench-run';
import { inTurns } from './measure';
import type { Peer, PeerAnswer } from './peer';

const TRAIN_EPOCHS = 10;
const ROWS = 9;
const ANSWER_TOKENS = 16;
const REPEATS = 3;
const STACK = 8;
/** The reference pads every training sequence to this with EOS and puts the loss on the padding. Source: paper's code, knowledge-incorporation. */
const REFERENCE_LENGTH = 2048;
/** Of the padded recipe: its 90 steps would take minutes, and each is as long as the next. */
const PADDED_STEPS = 5;

/** One self-edit trained and asked, against transformers + PEFT by the reference's recipe and without its padding; memory. */
export async function benchNanoSelfEdit(run: BenchRun): Promise<void> {
  const group = 'nano';
  const work = `self-edit, nano: ${ROWS} rows x ${TRAIN_EPOCHS}, questions`;
  await run.row({ group, work, peer: 'transformers + PEFT, no padding', unit: 's' }, async () => {
    const sides = await openSides(run);
    return inTurns(run.repeats(REPEATS), { ours: sides.ours, theirs: () => sides.theirs(null) });
  });
  await run.row({ group, work: 'memory of that, peak', peer: 'transformers + PEFT, no padding', unit: 'MB' }, async () => {
    await run.close();
    const sides = await openSides(run);
    await sides.ours();
    await sides.theirs(null);
    return sides.memory();
  });
  await run.row({ group, work, peer: 'the reference recipe, padded', unit: 's' }, async () => {
    const sides = await openSides(run);
    const { ours } = await inTurns(run.repeats(REPEATS), { ours: sides.ours });
    const theirs = await sides.theirs(REFERENCE_LENGTH);
    return { ours, theirs, note: `theirs from ${paddedSteps(run)} measured steps of ${ROWS * TRAIN_EPOCHS}` };
  });
}

function paddedSteps(run: BenchRun): number {
  return run.options.quick ? 1 : PADDED_STEPS;
}

interface Sides {
  readonly ours: () => Promise<number>;
  readonly theirs: (padTo: number | null) => Promise<number>;
  readonly memory: () => { readonly ours: number; readonly theirs: number; readonly note: string };
}

/** Both sides with the nano model loaded and warm. @throws Error where there is no nano model, or no peer */
async function openSides(run: BenchRun): Promise<Sides> {
  const [context] = nanoContexts(run, 1);
  if (context === undefined) throw new Error('the nano world has no held-out passage');
  const model = nanoModel(run);
  const languageModel = run.ours();
  const ours = async (): Promise<number> => total(await timeSelfEdits(languageModel, model, run.options.directory, [context]));
  await ours();
  const peer = await run.peer(model);
  let peak = 0;
  const theirs = async (padTo: number | null, maxSteps?: number): Promise<number> => {
    const trained = await theirTraining(peer, context, padTo, maxSteps ?? (padTo === null && !run.options.quick ? ROWS * TRAIN_EPOCHS : paddedSteps(run)));
    const answered = await peer.run('generate', { prompts: prompts(context), newTokens: ANSWER_TOKENS });
    peak = Math.max(peak, answered.peakBytes);
    return trained + answered.seconds;
  };
  await theirs(null, 2);
  const memory = (): ReturnType<Sides['memory']> => {
    const { megabytes: held, note } = run.ourMemory(languageModel);
    return { ours: held, theirs: megabytes(peak), note };
  };
  return { ours, theirs, memory };
}

/** Seconds of the peer's training, those of the steps that were left out added. */
async function theirTraining(peer: Peer, context: Passage, padTo: number | null, maxSteps: number): Promise<number> {
  const { seconds, stepSeconds, steps } = await peer.run<PeerAnswer & { readonly stepSeconds: number; readonly steps: number }>('selfEdit', {
    rows: trainingTexts(context), epochs: TRAIN_EPOCHS, padTo, maxSteps,
  });
  return seconds + stepSeconds * (ROWS * TRAIN_EPOCHS - steps);
}

/** Eight candidates trained and asked as one batch, against our own one after another. */
export async function benchStackedCandidates(run: BenchRun): Promise<void> {
  await run.row({ group: 'stacked', work: `${STACK} self-edits at once, nano`, peer: 'our own, one after another', unit: 's' }, async () => {
    const contexts = nanoContexts(run, STACK);
    const model = nanoModel(run);
    const languageModel = run.ours();
    const time = async (some: readonly Passage[]): Promise<number> => total(await timeSelfEdits(languageModel, model, run.options.directory, some));
    await time(contexts);
    await time(contexts.slice(0, 1));
    return inTurns(run.repeats(REPEATS), {
      ours: () => time(contexts),
      theirs: async () => {
        let seconds = 0;
        for (const context of contexts) seconds += await time([context]);
        return seconds;
      },
    });
  });
}

function nanoModel(run: BenchRun): string {
  const model = join(run.options.repository, 'examples/nano/model');
  if (!existsSync(join(model, 'model.safetensors'))) throw new Error('no nano model in examples/nano/model');
  return model;
}

/** Passages of the world file whose self-edits are timed. */
function nanoContexts(run: BenchRun, count: number): readonly Passage[] {
  const file = join(run.options.repository, 'examples/nano/world.yaml');
  return worldContexts(worldSpecSchema.parse(parse(readFileSync(file, 'utf8'))), 'heldOut', 0, count);
}

interface SelfEditTiming {
  readonly fineTuneSeconds: number;
  readonly questionsSeconds: number;
}

function total({ fineTuneSeconds, questionsSeconds }: SelfEditTiming): number {
  return fineTuneSeconds + questionsSeconds;
}

/** Fine-tunes one adapter a context, stacked, on nine rows each (eight statements and the passage), then asks each its questions. */
async function timeSelfEdits(languageModel: LanguageModel, modelDirectory: string, outDirectory: string, contexts: readonly Passage[]): Promise<SelfEditTiming> {
  const { rank, alpha, learningRate } = LORA;
  const optimiser = {
    trainEpochs: TRAIN_EPOCHS, learningRate, batch: 1, schedule: 'linear', warmupSteps: 0, shuffle: true, clipNorm: 1, weightDecay: 0,
  } as const;
  const jobs = contexts.map((context, i): FineTuneJob => {
    const rows = trainingTexts(context).map((text) => ({ text }));
    return { rows, optimiser, seed: i, outDirectory: join(outDirectory, `self-edit-${i}`) };
  });
  const trained = await languageModel.fineTune({ modelDirectory, lora: { rank, alpha, targets: PROJECTIONS }, jobs });
  const failed = trained.outcomes.find(({ status }) => status === 'failed');
  if (failed?.status === 'failed') throw new Error(`fine-tuning failed: ${failed.message}`);
  const answered = await languageModel.generate({
    modelDirectory,
    groups: contexts.map((context, i) => ({ adapterDirectory: join(outDirectory, `self-edit-${i}`), rows: prompts(context).map((prompt) => ({ prompt })) })),
    maxNewTokens: ANSWER_TOKENS,
    temperature: 0,
    topP: 1,
  });
  return { fineTuneSeconds: trained.seconds, questionsSeconds: answered.seconds };
}

function trainingTexts({ title, context, oracle }: Passage): string[] {
  const lines = (oracle ?? []).slice(0, ROWS - 1);
  return [...lines, context].map((line) => `${title}\n${line}`);
}

function prompts({ title, questions }: Passage): string[] {
  return questions.map(({ question }) => questionPrompt(title, question));
}
