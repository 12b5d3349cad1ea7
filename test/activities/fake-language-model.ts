import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ComputeCancelledError } from '../../campaign/errors';
import type { ComputeOptions, FineTuneRequest, GenerateRequest, LanguageModel, MergeRequest, ScoreRequest, TrainingRow } from '../../campaign/language-model';

/** What a test may do to calls, and what it may see of them. */
export interface FakeModelControls {
  readonly fineTunes: FineTuneRequest[];
  readonly generates: GenerateRequest[];
  readonly scores: ScoreRequest[];
  readonly merges: MergeRequest[];
  /** Of every call but merges. */
  readonly stallMs: (number | undefined)[];
  /** Calls that ended by their signal. */
  cancelled: number;
  /** Awaited in every fine-tune and generate; replaced by tests that need to interfere. */
  onFineTune: (request: FineTuneRequest) => Promise<void>;
  onGenerate: (request: GenerateRequest) => Promise<void>;
  /** Seeds of jobs whose loss diverges. */
  readonly diverging: Set<number>;
  /** Seeds of rows that are generated to the limit of their tokens. */
  readonly cutOff: Set<number>;
}

/**
 * A language model whose every answer is a hash of what it was asked: an adapter's bytes depend on its rows, settings, seed
 * and on the shape of its batch, as a real one's may; an answer depends on its adapter.
 */
export function fakeLanguageModel(): { readonly model: LanguageModel; readonly controls: FakeModelControls } {
  const controls: FakeModelControls = {
    fineTunes: [],
    generates: [],
    scores: [],
    merges: [],
    stallMs: [],
    cancelled: 0,
    onFineTune: () => Promise.resolve(),
    onGenerate: () => Promise.resolve(),
    diverging: new Set(),
    cutOff: new Set(),
  };
  const interruptible = async (work: Promise<void>, options: ComputeOptions | undefined): Promise<void> => {
    const { signal, stallMs } = options ?? {};
    controls.stallMs.push(stallMs);
    const aborted = new Promise<void>((_, reject) => {
      const abort = (): void => reject(new ComputeCancelledError('cancelled'));
      if (signal?.aborted === true) abort();
      signal?.addEventListener('abort', abort, { once: true });
    });
    try {
      await Promise.race([work, aborted]);
    } catch (error) {
      if (error instanceof ComputeCancelledError) controls.cancelled += 1;
      throw error;
    }
  };
  const model: LanguageModel = {
    describe(_directory, options) {
      controls.stallMs.push(options?.stallMs);
      return Promise.resolve({ architecture: 'llama', parameters: 1, dtype: 'F32', contextLength: 64, vocabularySize: 10, tied: true });
    },
    async fineTune(request, options) {
      controls.fineTunes.push(request);
      await interruptible(controls.onFineTune(request), options);
      const policy = await readFile(join(request.modelDirectory, 'model.safetensors'), 'utf8');
      const outcomes = request.jobs.map(({ rows, optimiser, seed }, i) => {
        if (controls.diverging.has(seed)) return { status: 'failed', code: 'NOT_FINITE', step: 3, message: 'loss of step 3 is NaN' } as const;
        const steps = optimiser.maxSteps ?? rows.length * optimiser.trainEpochs;
        const finalLoss = hashed(policy, rows, seed, i).charCodeAt(0) / 100;
        return { status: 'done', steps, finalLoss, trainedTokens: steps * 7, log: [{ step: 0, loss: finalLoss, learningRate: 1, lossTokens: 7 }] } as const;
      });
      for (const [i, job] of request.jobs.entries()) {
        if (outcomes[i]!.status !== 'done') continue;
        await mkdir(job.outDirectory, { recursive: true });
        await writeFile(join(job.outDirectory, 'adapter_model.safetensors'), hashed(policy, job.rows, job.optimiser, job.seed, request.lora, request.jobs.length));
        await writeFile(join(job.outDirectory, 'adapter_config.json'), '{}\n');
      }
      return { outcomes, seconds: 4 };
    },
    async generate(request, options) {
      controls.generates.push(request);
      await interruptible(controls.onGenerate(request), options);
      const policy = await readFile(join(request.modelDirectory, 'model.safetensors'), 'utf8');
      const groups = await Promise.all(
        request.groups.map(async ({ adapterDirectory, rows }) => {
          const adapter = adapterDirectory === null ? '' : await readFile(join(adapterDirectory, 'adapter_model.safetensors'), 'utf8');
          return rows.map(({ prompt, seed }) => {
            // One in four answers is right: the gold answers of the test's contexts are "a" to "d".
            const text = request.temperature === 0 ? 'abcd'[hashed(policy, adapter, prompt).charCodeAt(0) % 4]! : `Fact ${hashed(policy, prompt, seed ?? 0)}`;
            return { text, tokenIds: [...Buffer.from(text)], finish: controls.cutOff.has(seed ?? 0) ? ('length' as const) : ('eos' as const) };
          });
        }),
      );
      return { groups, generatedTokens: groups.flat().length, seconds: 2 };
    },
    async score(request, options) {
      controls.stallMs.push(options?.stallMs);
      controls.scores.push(request);
      const groups = await Promise.all(
        request.groups.map(async ({ adapterDirectory, rows }) => {
          const adapter = adapterDirectory === null ? '' : await readFile(join(adapterDirectory, 'adapter_model.safetensors'), 'utf8');
          return rows.map((row) => ({ logprob: -hashed(adapter, row).charCodeAt(0) / 10, tokens: 2 }));
        }),
      );
      return { groups, seconds: 1 };
    },
    async merge(request) {
      controls.merges.push(request);
      const { modelDirectory, adapterDirectories, outDirectory } = request;
      await mkdir(outDirectory, { recursive: true });
      await copyFile(join(modelDirectory, 'config.json'), join(outDirectory, 'config.json'));
      let weights = await readFile(join(modelDirectory, 'model.safetensors'), 'utf8');
      // One after the other, as the engine merges them.
      for (const directory of adapterDirectories) weights = hashed(weights, await readFile(join(directory, 'adapter_model.safetensors'), 'utf8'));
      await writeFile(join(outDirectory, 'model.safetensors'), weights);
    },
    countTokens({ rows }, options) {
      controls.stallMs.push(options?.stallMs);
      // Words, and two special tokens.
      const textOf = (row: TrainingRow): string => ('text' in row ? row.text : row.prompt + ('completion' in row ? row.completion : row.completionIds.join(' ')));
      return Promise.resolve(rows.map((row) => textOf(row).split(/\s+/).length + 2));
    },
    close: () => Promise.resolve(),
  };
  return { model, controls };
}

function hashed(...parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
