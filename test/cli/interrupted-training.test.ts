import { createHash } from 'node:crypto';
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { packageRoot } from '../../infra/stack/package-root';
import { openS3Store } from '../../storage/open-store';
import { goldenModel } from '../golden/golden-values';
import { startS3 } from '../storage/s3-server';
import { eventually } from '../workflows/temporal-fixture';

// Commands in processes of their own, which the kernel kills.
jest.setTimeout(300_000);

const directory = mkdtempSync(join(tmpdir(), 'seal-interrupted-'));
const inside = (name: string): string => join(directory, name);
afterAll(() => rmSync(directory, { recursive: true }));

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `seal` until it ends, or until `killWhen` says so. */
async function seal(args: readonly string[], env: Record<string, string> = {}, killWhen?: () => boolean | Promise<boolean>): Promise<Ended> {
  const child = spawn(process.execPath, [join(packageRoot(), 'dist', 'cli', 'main.js'), ...args], { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
  child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
  const ended = new Promise<Ended>((resolve) => child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr })));
  if (killWhen !== undefined) {
    await eventually(`${args[0]} to leave a checkpoint (it said ${stderr})`, async () => child.exitCode !== null || (await killWhen()), 120_000);
    child.kill('SIGKILL');
  }
  return ended;
}

const hashOf = (file: string): string => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Steps of the newest checkpoint in a directory. */
function steps(name: string): number {
  try {
    return Math.max(0, ...readdirSync(inside(name)).map((file) => Number(/^checkpoint-(\d+)-[0-9a-f]{64}\.safetensors$/.exec(file)?.[1] ?? 0)));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return 0;
  }
}

describe('finetune --checkpoint-dir', () => {
  const args = (out: string, ...more: string[]): string[] => [
    'finetune', '--json', '--model', goldenModel('gqa-bf16'), '--data', inside('rows.jsonl'), '--out', inside(out), '--epochs', '60', '--batch', '2', '--accumulation', '2', '--dropout', '0.1',
    '--loss-log', inside(`${out}.jsonl`), ...more,
  ];
  const checkpointed = (out: string): string[] => args(out, '--checkpoint-dir', inside(`${out}-checkpoints`), '--checkpoint-seconds', '0');
  beforeAll(() => writeFileSync(inside('rows.jsonl'), ['a b c', 'b c a b', 'c a', 'b b c a'].map((text) => JSON.stringify({ text })).join('\n')));

  test('killed and started again, it goes on to the same adapter and the same loss log', async () => {
    expect((await seal(args('whole'))).code).toBe(0);
    expect((await seal(checkpointed('killed'), {}, () => steps('killed-checkpoints') >= 10)).signal).toBe('SIGKILL');
    const resumed = await seal(checkpointed('killed'));
    expect(resumed.stderr).not.toMatch(/Error|expected/);
    const { steps: all, resumedSteps } = JSON.parse(resumed.stdout) as { steps: number; resumedSteps: number };
    expect(all).toBe(120);
    expect(resumedSteps).toBeGreaterThanOrEqual(10);
    expect(hashOf(inside('killed/adapter_model.safetensors'))).toBe(hashOf(inside('whole/adapter_model.safetensors')));
    expect(readFileSync(inside('killed.jsonl'), 'utf8')).toBe(readFileSync(inside('whole.jsonl'), 'utf8'));
    expect(readdirSync(directory)).not.toContain('killed-checkpoints');
  });

  test('with other settings the checkpoint is refused in one line', async () => {
    await seal(checkpointed('other'), {}, () => steps('other-checkpoints') >= 5);
    const refused = await seal([...checkpointed('other').filter((arg) => arg !== '--json'), '--lr', '0.002']);
    expect(refused.code).toBe(2);
    expect(refused.stderr.trim().split('\n').at(-1)).toMatch(/checkpoint-.*: expected a checkpoint of this very training on this kind of machine .*, got one of another/);
  });
});

test('pretrain --store, killed here, goes on in the directory of another machine to the same bits', async () => {
  const s3 = await startS3();
  const settings = { endpoint: s3.endpoint, bucket: 'seal', region: 'us-east-1', credentials: s3.credentials };
  const store = await openS3Store(settings);
  const env = {
    S3_ENDPOINT: s3.endpoint,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: s3.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.credentials.secretAccessKey,
    SEAL_HOME: inside('home'),
  };
  try {
    const nano = join(packageRoot(), 'examples', 'nano');
    copyFileSync(join(nano, 'world.yaml'), inside('world.yaml'));
    const yaml = readFileSync(join(nano, 'pretrain.yaml'), 'utf8');
    const small = { documents: 700, rows: 2, length: 256, width: 32, layers: 2, heads: 2, kvHeads: 1, ffnWidth: 48, warmupSteps: 5 };
    const shrunk = Object.entries(small).reduce((text, [key, value]) => text.replace(new RegExp(`^( +${key}:) .*$`, 'm'), `$1 ${value}`), yaml);
    writeFileSync(inside('pretrain.yaml'), shrunk);
    const args = (out: string): string[] => ['pretrain', inside('pretrain.yaml'), '--out', inside(out), '--checkpoint-seconds', '0'];

    expect((await seal(args('whole-model'))).code).toBe(0);
    const stored = (): Promise<string[]> => store.list('campaigns/_pretraining/checkpoints/');
    const killed = await seal([...args('here'), '--store'], env, async () => (await stored()).some((key) => Number(/-(\d{12})\.json/.exec(key)?.[1]) >= 20));
    expect(killed.signal).toBe('SIGKILL');
    const resumed = await seal([...args('there'), '--store'], env);
    expect(resumed.stderr).toMatch(/going on from step \d+, a checkpoint of the store/);
    expect(resumed.code).toBe(0);
    expect(hashOf(inside('there/model.safetensors'))).toBe(hashOf(inside('whole-model/model.safetensors')));
    expect(readFileSync(inside('there/loss.json'), 'utf8')).toBe(readFileSync(inside('whole-model/loss.json'), 'utf8'));
    // Neither a manifest nor the bytes of a checkpoint are left.
    expect(await store.list('')).toEqual([]);
  } finally {
    store.close();
    await s3.stop();
  }
});
