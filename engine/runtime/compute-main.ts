import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { NotFiniteError } from '../../campaign/errors';
import type { ComputeProgress, ModelDescription } from '../../campaign/language-model';
import { computeProcessSettings } from '../../settings/compute';
import { mergeAdapters } from '../files/merge';
import { modelFiles, modelTensorShapes, openModelDirectory } from '../files/model-directory';
import { refuseNonFinite } from '../files/non-finite';
import { loadTokenizer } from '../files/tokenizer';
import { fineTune } from '../model/training/fine-tune';
import { generate } from '../model/generation/generate';
import { LoadedModel } from '../model/loaded-model';
import { pretrain } from '../model/pretraining/pretrain';
import { countRowTokens } from '../model/rows';
import { score } from '../model/scoring/score';
import { peakMemoryBytes, resetPeakMemory } from './peak-memory';
import { type ComputeCall, type ComputeMessage, type ComputeMethods, type ComputeReply, encodeError } from './protocol';
import { onSignOfLife } from './sign-of-life';

// The compute process: holds models and sessions, answers one call at a time. Started by compute-client.ts.

type Handlers = {
  readonly [Method in keyof ComputeMethods]: (
    request: ComputeMethods[Method][0],
    onProgress: (progress: ComputeProgress) => void,
  ) => ComputeMethods[Method][1] | Promise<ComputeMethods[Method][1]>;
};

/** Models stay open for the next call; the one longest unused makes room. */
const OPEN_MODELS = 3;
const PROGRESS_INTERVAL_MS = 200;
const ALIVE_INTERVAL_MS = 1000;

const settings = computeProcessSettings();
const openModels = new Map<string, LoadedModel>();

/** The model at a directory, opened anew if any of its files was replaced. */
async function loaded(directory: string): Promise<LoadedModel> {
  const path = resolve(directory);
  const files = modelFiles(path).map((name) => statSync(join(path, name), { throwIfNoEntry: false }));
  const key = `${path} ${files.map((file) => `${file?.ino} ${file?.mtimeMs} ${file?.size}`).join(' ')}`;
  const model = openModels.get(key) ?? LoadedModel.open(path, settings);
  openModels.delete(key);
  openModels.set(key, model);
  const [oldest] = openModels.keys();
  if (openModels.size > OPEN_MODELS && oldest !== undefined) {
    const unused = openModels.get(oldest);
    openModels.delete(oldest);
    await unused?.close();
  }
  return model;
}

/**
 * Runs `work` on a model.
 *
 * @throws NotFiniteError as `work` does, unless a weight of the model is the reason: then BadInputError naming it
 */
async function onModel<Result>(directory: string, work: (model: LoadedModel) => Promise<Result>): Promise<Result> {
  const model = await loaded(directory);
  try {
    return await work(model);
  } catch (error) {
    if (error instanceof NotFiniteError) refuseBrokenWeights(model);
    throw error;
  }
}

const knownFinite = new WeakSet<LoadedModel>();

/** Reads every weight, once a model, so it is called only where a result was not finite. @throws BadInputError naming the weight */
function refuseBrokenWeights(model: LoadedModel): void {
  if (knownFinite.has(model)) return;
  refuseNonFinite(model.directory.tensors.values());
  knownFinite.add(model);
}

function describe(directory: string): ModelDescription {
  const { config, storedDtype } = openModelDirectory(directory);
  const sizes = [...modelTensorShapes(config).values()].map((shape) => shape.reduce((a, b) => a * b, 1));
  return {
    architecture: config.architecture,
    parameters: sizes.reduce((a, b) => a + b, 0),
    dtype: storedDtype,
    contextLength: config.contextLength,
    vocabularySize: config.vocabularySize,
    tied: config.tied,
  };
}

const handlers: Handlers = {
  ping: () => null,
  describe: (directory) => describe(directory),
  fineTune: (request, onProgress) =>
    onModel(request.modelDirectory, async (model) => {
      const result = await fineTune(model, request, onProgress);
      if (result.outcomes.some(({ status }) => status === 'failed')) refuseBrokenWeights(model);
      return result;
    }),
  generate: (request, onProgress) => onModel(request.modelDirectory, (model) => generate(model, request, onProgress)),
  score: (request, onProgress) => onModel(request.modelDirectory, (model) => score(model, request, onProgress)),
  merge: ({ modelDirectory, adapterDirectories, outDirectory, dtype }) => {
    mergeAdapters(modelDirectory, adapterDirectories, outDirectory, dtype);
    return null;
  },
  countTokens: ({ modelDirectory, rows }) => {
    const { config } = openModelDirectory(modelDirectory);
    const tokenizer = loadTokenizer(modelDirectory);
    return rows.map((row) => countRowTokens(row, tokenizer, config));
  },
  pretrain: (request, onProgress) => pretrain(request, onProgress),
};

function reply(id: number, message: ComputeMessage): void {
  process.send?.({ ...message, id, peakMemoryBytes: peakMemoryBytes() } satisfies ComputeReply);
}

/** Passes on at most a few progress messages a second, every checkpoint, and the last. */
function throttledProgress(id: number): (progress: ComputeProgress) => void {
  let last = 0;
  return (progress) => {
    const now = performance.now();
    if (now - last < PROGRESS_INTERVAL_MS && progress.done < progress.total && progress.checkpoint === undefined) return;
    last = now;
    reply(id, { kind: 'progress', progress });
  };
}

/** At most one message a second. */
function throttledAlive(id: number): () => void {
  let last = 0;
  return () => {
    const now = performance.now();
    if (now - last < ALIVE_INTERVAL_MS) return;
    last = now;
    reply(id, { kind: 'alive' });
  };
}

async function answer<Method extends keyof ComputeMethods>({ id, method, request }: ComputeCall<Method>): Promise<void> {
  resetPeakMemory();
  onSignOfLife(throttledAlive(id));
  try {
    reply(id, { kind: 'result', result: await handlers[method](request, throttledProgress(id)) });
  } catch (error) {
    reply(id, { kind: 'error', error: encodeError(error) });
  }
}

// The owner decides when this process ends; a signal to all of a group, as from a terminal or a machine that is taken away, reaches the
// owner too, and must not look like a death of this one's own.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.on('message', (call: ComputeCall) => void answer(call));
// Without its parent nobody reads the answer. A session writes its trace when it is let go.
process.on('disconnect', () => {
  const released = settings.profilePrefix === undefined ? [] : [...openModels.values()].map((model) => model.close());
  void Promise.allSettled(released).finally(() => process.exit(0));
});
