import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ComputeCancelledError, ComputeProcessDiedError, DiskFullError, OutOfMemoryError } from '../../../campaign/errors';
import type { FineTuneRequest } from '../../../campaign/language-model';
import { type ComputeProcess, type ComputeProcessOptions, startComputeProcess } from '../../../engine/runtime/compute-client';
import { oomCounter } from '../../../engine/runtime/oom-kills';
import { goldenModel } from '../../golden/golden-values';
import { canMount, mountSmallDisk } from '../../storage/small-disk';
import { MemoryGroup } from './memory-group';

jest.setTimeout(120_000);

const modelDirectory = goldenModel('tied-fp32');
const MIB = 2 ** 20;

let directory: string;
let compute: ComputeProcess;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-process-'));
});
afterEach(async () => {
  await compute.close();
  rmSync(directory, { recursive: true });
});

function start(options: ComputeProcessOptions = {}): void {
  compute = startComputeProcess({ threads: 1, onErrorLine: () => undefined, ...options });
}

/** One step of `rows` rows of some 80 tokens, or `maxSteps` steps. */
function fineTune(rows: number, maxSteps = 1, outDirectory = join(directory, 'adapter')): FineTuneRequest {
  const optimiser = { trainEpochs: 1, learningRate: 1e-3, batch: rows, schedule: 'linear', warmupSteps: 0, shuffle: true, clipNorm: 1, weightDecay: 0, maxSteps } as const;
  const texts = Array.from({ length: rows }, () => ({ text: 'a b c d '.repeat(20) }));
  return { modelDirectory, lora: { rank: 4, alpha: 8, targets: 'all-linear' }, jobs: [{ rows: texts, optimiser, seed: 1, outDirectory }] };
}

function statusOf(pid: number | undefined, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

/** Lets the process have this much more address space than it has now. */
function allow(bytes: number): void {
  execFileSync('prlimit', ['--pid', String(compute.pid), `--as=${statusOf(compute.pid, 'VmSize') + bytes}`]);
}

const hasLimits = process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0;
const whereLimited = hasLimits ? describe : describe.skip;

whereLimited('a process that may have no more memory (needs prlimit)', () => {
  test('reports in ONNX Runtime\'s words what it was refused, and makes room for the next by its end', async () => {
    start();
    await compute.fineTune(fineTune(1));
    const { pid } = compute;
    allow(60 * MIB);
    const refused = compute.fineTune(fineTune(256));
    await expect(refused).rejects.toThrow(OutOfMemoryError);
    await expect(refused).rejects.toThrow(/out of memory, as reported: .*(Failed to allocate memory for requested buffer of size \d+|std::bad_alloc)/);
    await expect(compute.fineTune(fineTune(1))).resolves.toMatchObject({ outcomes: [{ status: 'done', steps: 1 }] });
    expect(compute.pid).not.toBe(pid);
  });

  test('that ends of it is understood by its last words, and followed by another', async () => {
    start();
    await compute.describe(modelDirectory);
    allow(0);
    await expect(compute.fineTune(fineTune(1))).rejects.toThrow(OutOfMemoryError);
    await expect(compute.fineTune(fineTune(1))).resolves.toBeDefined();
  });
});

test('V8 without room in its heap is out of memory, as it says on its way out', async () => {
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = '--max-old-space-size=40';
  start();
  try {
    // A plan of that many steps is what fills it.
    const lost = compute.fineTune(fineTune(1, 50_000_000));
    await expect(lost).rejects.toThrow(OutOfMemoryError);
    await expect(lost).rejects.toThrow(/signal SIGABRT|exit code 134/);
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  }
});

/** Starts a process and kills it in the middle of a fine-tune. */
function killed(oomKills: () => number | undefined): Promise<unknown> {
  start({ oomCounter: () => oomKills });
  return killedWhileTuning();
}

async function killedWhileTuning(): Promise<unknown> {
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const lost = compute.fineTune(fineTune(1, 100_000), { onProgress: begin }).catch((error: unknown) => error);
  await begun;
  process.kill(compute.pid as number, 'SIGKILL');
  return lost;
}

describe('SIGKILL', () => {
  test('is the kernel\'s want of memory where its count rose meanwhile', async () => {
    let asked = 3;
    expect(await killed(() => (asked += 1))).toBeInstanceOf(OutOfMemoryError);
  });

  test.each([7, undefined])('is a death of unknown cause where the kernel\'s count is %p before and after', async (count) => {
    expect(await killed(() => count)).toBeInstanceOf(ComputeProcessDiedError);
  });
});

test('words about memory from before a call are no reason for its death', async () => {
  const words = join(directory, 'words.cjs');
  writeFileSync(words, "process.stderr.write('std::bad_alloc\\n');");
  const before = process.env['NODE_OPTIONS'];
  process.env['NODE_OPTIONS'] = `--require ${words}`;
  try {
    const heard = new Promise<string>((resolve) => start({ onErrorLine: resolve, oomCounter: () => () => undefined }));
    await compute.ping();
    expect(await heard).toBe('std::bad_alloc');
  } finally {
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
  }
  expect(await killedWhileTuning()).toBeInstanceOf(ComputeProcessDiedError);
});

const whereGrouped = MemoryGroup.areAllowed() ? test : test.skip;

whereGrouped('what the kernel ends for want of memory is out of memory (needs a control group of its own)', async () => {
  const own = MemoryGroup.make('process')!;
  try {
    start({
      oomCounter: (pid) => {
        own.add(pid);
        own.limitBytes(96 * MIB);
        return oomCounter(pid);
      },
    });
    const lost = compute.fineTune(fineTune(512, 1000));
    await expect(lost).rejects.toThrow(OutOfMemoryError);
    await expect(lost).rejects.toThrow('signal SIGKILL; its count of such kills rose by 1');
  } finally {
    await compute.close();
    own.remove();
  }
});

describe('silence', () => {
  /** Longer than a busy machine takes for anything that a small model does at one go. */
  const STALL_MS = 4000;

  test('of a process that was stopped ends with its death, and the next call is served', async () => {
    start();
    await compute.fineTune(fineTune(1));
    let begin = (): void => undefined;
    const begun = new Promise<void>((resolve) => (begin = resolve));
    const stalled = compute.fineTune(fineTune(1, 100_000), { onProgress: begin, stallMs: STALL_MS }).catch((error: unknown) => error);
    await begun;
    const { pid } = compute;
    process.kill(pid as number, 'SIGSTOP');
    expect(await stalled).toMatchObject({ name: 'ComputeStalledError', message: 'fineTune: no sign of life for 4 s; the compute process was killed' });
    await expect(compute.describe(modelDirectory)).resolves.toBeDefined();
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });

  test('is not what a process keeps that works for longer than it may be silent', async () => {
    start();
    await compute.fineTune(fineTune(1));
    const controller = new AbortController();
    const working = compute.fineTune(fineTune(1, 100_000), { signal: controller.signal, stallMs: STALL_MS }).catch((error: unknown) => error);
    await sleep(2 * STALL_MS);
    controller.abort();
    expect(await working).toBeInstanceOf(ComputeCancelledError);
  });

  test('of generation, scoring and merging never lasts: each gives signs of life', async () => {
    start();
    const stallMs = STALL_MS;
    const rows = [{ prompt: 'a b' }];
    await compute.generate({ modelDirectory, groups: [{ adapterDirectory: null, rows }], maxNewTokens: 20, temperature: 0, topP: 1 }, { stallMs });
    await compute.score({ modelDirectory, groups: [{ adapterDirectory: null, rows: [{ text: 'a b' }] }] }, { stallMs });
    await compute.merge({ modelDirectory, adapterDirectories: [], outDirectory: join(directory, 'merged') }, { stallMs });
  });
});

test('a signal to the whole group does not end a process whose owner has not decided so', async () => {
  start();
  let begin = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const tuned = compute.fineTune(fineTune(1, 300), { onProgress: begin });
  await begun;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.kill(compute.pid as number, signal);
  await expect(tuned).resolves.toMatchObject({ outcomes: [{ status: 'done' }] });
});

const whereMounted = canMount ? test : test.skip;

whereMounted('an adapter that does not fit on the disk is a full disk, and nothing of it is left (needs a mount)', async () => {
  start();
  const disk = mountSmallDisk(join(directory, 'disk'));
  try {
    const request = fineTune(1, 1, join(disk.directory, 'adapter'));
    disk.fill();
    await expect(compute.fineTune(request)).rejects.toThrow(DiskFullError);
    expect(existsSync(join(disk.directory, 'adapter', 'adapter_model.safetensors'))).toBe(false);
    disk.empty();
    disk.setReadOnly(true);
    await expect(compute.fineTune(request)).rejects.toThrow(DiskFullError);
    disk.setReadOnly(false);
    await expect(compute.fineTune(request)).resolves.toMatchObject({ outcomes: [{ status: 'done' }] });
  } finally {
    disk.unmount();
  }
});
