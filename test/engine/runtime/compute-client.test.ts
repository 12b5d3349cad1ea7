import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadInputError, ComputeCancelledError, ComputeProcessDiedError } from '../../../campaign/errors';
import type { FineTuneRequest, OptimiserSettings } from '../../../campaign/language-model';
import { type ComputeProcess, startComputeProcess } from '../../../engine/runtime/compute-client';
import { goldenModel } from '../../golden/golden-values';

jest.setTimeout(120_000);

const modelDirectory = goldenModel('tied-fp32');
const optimiser: OptimiserSettings = {
  trainEpochs: 1,
  learningRate: 1e-3,
  batch: 1,
  schedule: 'linear',
  warmupSteps: 0,
  shuffle: true,
  clipNorm: 1,
  weightDecay: 0,
};

let directory: string;
let compute: ComputeProcess;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-compute-'));
  compute = startComputeProcess({ threads: 1 });
});
afterEach(async () => {
  await compute.close();
  rmSync(directory, { recursive: true });
});

/** Long enough to be interrupted. */
const longFineTune = (): FineTuneRequest => ({
  modelDirectory,
  lora: { rank: 4, alpha: 8, targets: ['q_proj'] },
  jobs: [{ rows: [{ text: 'a b c d' }], optimiser: { ...optimiser, maxSteps: 100_000 }, seed: 1, outDirectory: join(directory, 'long') }],
});

/** Resolves at the first progress message of the call. */
function interruptible(): { started: Promise<void>; onProgress: () => void } {
  let onProgress = (): void => undefined;
  const started = new Promise<void>((resolve) => (onProgress = resolve));
  return { started, onProgress };
}

/** Nothing is read meanwhile of what others send. */
function holdUpThisProcess(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

const onLinux = process.platform === 'linux' ? test : test.skip;

describe('startComputeProcess', () => {
  test('a wrong input comes back with its field, expectation and find', async () => {
    const call = compute.score({ modelDirectory, groups: [{ adapterDirectory: null, rows: [{ prompt: 'a', completion: '' }] }] });
    await expect(call).rejects.toThrow(BadInputError);
    await expect(call).rejects.toMatchObject({ detail: { where: 'row 1', expected: 'at least one token to predict' } });
  });

  test('a missing model is a wrong input', async () => {
    await expect(compute.describe(join(directory, 'nowhere'))).rejects.toThrow(BadInputError);
  });

  test('a model is opened anew when one of its shards was replaced', async () => {
    const sharded = join(directory, 'sharded');
    cpSync(goldenModel('llama3-sharded-fp16'), sharded, { recursive: true });
    const score = async () => (await compute.score({ modelDirectory: sharded, groups: [{ adapterDirectory: null, rows: [{ text: 'amber' }] }] })).groups;
    const before = await score();
    const shard = join(sharded, 'model-00002-of-00004.safetensors');
    const bytes = readFileSync(shard);
    // Half-precision weights in reverse order: as many bytes, other numbers.
    const headerBytes = 8 + Number(bytes.readBigUInt64LE());
    writeFileSync(shard, Buffer.concat([bytes.subarray(0, headerBytes), Buffer.from(bytes.subarray(headerBytes)).swap16().reverse()]));
    expect(await score()).not.toEqual(before);
  });

  test('a tokenizer of another model is refused when the model is opened', async () => {
    const mismatched = join(directory, 'mismatched');
    cpSync(goldenModel('tied-fp32'), mismatched, { recursive: true });
    cpSync(join(goldenModel('qwen2-bf16'), 'tokenizer.json'), join(mismatched, 'tokenizer.json'));
    const call = compute.score({ modelDirectory: mismatched, groups: [{ adapterDirectory: null, rows: [{ text: 'a' }] }] });
    await expect(call).rejects.toMatchObject({ detail: { where: join(mismatched, 'tokenizer.json'), expected: expect.stringContaining('at most 160 tokens') as string, got: '300' } });
  });

  test('a killed process loses the call it served, and only that', async () => {
    const { started, onProgress } = interruptible();
    const lost = compute.fineTune(longFineTune(), { onProgress });
    const next = compute.describe(modelDirectory);
    await started;
    process.kill(compute.pid as number, 'SIGKILL');
    await expect(lost).rejects.toThrow(ComputeProcessDiedError);
    await expect(next).resolves.toMatchObject({ architecture: 'llama', tied: true });
  });

  test('cancelling ends the running call and serves the next', async () => {
    const { started, onProgress } = interruptible();
    const controller = new AbortController();
    const cancelled = compute.fineTune(longFineTune(), { onProgress, signal: controller.signal });
    const next = compute.describe(modelDirectory);
    await started;
    controller.abort();
    await expect(cancelled).rejects.toThrow(ComputeCancelledError);
    await expect(next).resolves.toBeDefined();
  });

  test('cancelling a waiting call leaves the running one alone', async () => {
    const controller = new AbortController();
    const running = compute.countTokens({ modelDirectory, rows: [{ text: 'a b' }] });
    const waiting = compute.describe(modelDirectory, { signal: controller.signal });
    controller.abort();
    await expect(waiting).rejects.toThrow(ComputeCancelledError);
    await expect(running).resolves.toHaveLength(1);
  });

  test('an answer that was on its way when its call was cancelled is not given to the next call', async () => {
    const dropped: string[] = [];
    await compute.close();
    compute = startComputeProcess({ threads: 1, onErrorLine: (line) => dropped.push(line) });
    const texts = (tokens: number) => ({ modelDirectory, rows: [{ text: ' a'.repeat(tokens) }] });
    const counted = async (tokens: number) => (await compute.countTokens(texts(tokens)))[0]!;
    const expected = [];
    for (const tokens of [20, 2, 3, 4, 5]) expected.push(await counted(tokens));
    expect(new Set(expected).size).toBe(5);

    const controller = new AbortController();
    const cancelled = compute.countTokens(texts(20), { signal: controller.signal }).catch((error: unknown) => error);
    let peaks = 0;
    const queued = [2, 3, 4, 5].map((tokens) => compute.countTokens(texts(tokens), { onPeakMemory: () => (peaks += 1) }));
    holdUpThisProcess(1000);
    controller.abort();
    expect(await cancelled).toBeInstanceOf(ComputeCancelledError);
    expect((await Promise.all(queued)).flat()).toEqual(expected.slice(1));
    expect(peaks).toBe(4);
    expect(dropped).toEqual([expect.stringMatching(/^the compute process \(pid \d+\) answered call 6, which nobody waits for: dropped$/)]);
  });

  test('closing between the end of a process and its last words does not wait for ever', async () => {
    await compute.ping();
    const { pid } = compute;
    process.kill(pid as number, 'SIGKILL');
    // The next turn of the event loop tells of the exit, a later one that its pipes are closed.
    holdUpThisProcess(200);
    await new Promise(setImmediate);
    await compute.close();
    expect(compute.pid).toBeUndefined();
  });

  onLinux('CUDA may not round fp32 products to TF32 in it, whatever the environment of its owner says (needs /proc)', async () => {
    const before = process.env['NVIDIA_TF32_OVERRIDE'];
    process.env['NVIDIA_TF32_OVERRIDE'] = '1';
    try {
      await compute.ping();
    } finally {
      if (before === undefined) delete process.env['NVIDIA_TF32_OVERRIDE'];
      else process.env['NVIDIA_TF32_OVERRIDE'] = before;
    }
    expect(readFileSync(`/proc/${compute.pid}/environ`, 'utf8').split('\0').filter((entry) => entry.startsWith('NVIDIA_'))).toEqual(['NVIDIA_TF32_OVERRIDE=0']);
  });

  test('after close there are no more answers', async () => {
    await compute.close();
    await expect(compute.describe(modelDirectory)).rejects.toThrow(ComputeCancelledError);
  });
});
