import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CampaignClient } from '../../cli/campaign-client';
import { openTemporalClient } from '../../temporal/connect';
import { mergeAdapters } from '../../engine/files/merge';
import { openModelDirectory } from '../../engine/files/model-directory';
import { startStack, stopStack } from '../../infra/stack/stack';
import { temporalSettings } from '../../settings/temporal';
import { runCommand } from './run-command';

/** Real servers, a real worker and real training of a model of a few thousand parameters. */
const TIMEOUT_MS = 300_000;
const ROOT = join(__dirname, '..', '..', '..');

let home: string;
const env = process.env;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'seal-campaigns-'));
  const { TEMPORAL_ADDRESS: _temporal, S3_ENDPOINT: _s3, ...own } = env;
  process.env = { ...own, SEAL_HOME: home };
  await startStack({ home, env: process.env, ports: { temporal: 0, ui: null, s3: 0 } });
  await untilWorkerListens();
  const contexts = ['cat sat', 'dog ran', 'bird flew', 'fish swam'].map((context) => ({
    title: context.slice(0, 3),
    context: `the ${context}`,
    questions: [{ question: `who ${context.split(' ')[1]}`, answer: context.split(' ')[0] }],
    completions: [`the ${context}\na ${context}`, ''],
  }));
  writeFileSync(join(home, 'contexts.json'), JSON.stringify(contexts));
  writeFileSync(
    join(home, 'tiny.yaml'),
    `name: tiny
seed: 3
model: ${join(ROOT, 'test', 'golden', 'models', 'tied-fp32')}
epochs: 1
contexts: { train: { path: contexts.json, take: 2 }, heldOut: { path: contexts.json, skip: 2 } }
proposals: { k: 2, source: recorded }
innerLoop: { rank: 2, alpha: 4, trainEpochs: 1, repeats: 1 }
reward: { grader: logprob }
mStep: { rank: 2, alpha: 4, trainEpochs: 1 }
evaluation: { baselines: [base, passage-only] }
concurrency: { group: 2 }
`,
  );
}, TIMEOUT_MS);
afterAll(async () => {
  await stopStack({ home });
  process.env = env;
  rmSync(home, { recursive: true, force: true });
}, TIMEOUT_MS);

const tiny = (): string => join(home, 'tiny.yaml');
async function json(...args: string[]): Promise<Record<string, unknown>> {
  const { exitCode, stdout, stderr } = await runCommand([...args, '--json']);
  expect({ exitCode, stderr: exitCode === 0 ? '' : stderr }).toEqual({ exitCode: 0, stderr: '' });
  return JSON.parse(stdout) as Record<string, unknown>;
}
/** A worker that has just been started prepares for some seconds, on a busy machine for many. */
async function untilWorkerListens(): Promise<void> {
  const campaigns = await CampaignClient.connect();
  while (!(await campaigns.hasWorker())) await sleep(250);
  await campaigns.close();
}
async function until(state: string, campaignId: string): Promise<Record<string, unknown>> {
  for (;;) {
    const status = await json('status', campaignId);
    if (status['state'] === state) return status;
    await sleep(500);
  }
}

describe('a campaign from the command line', () => {
  it('is started, paused, resumed, followed to its end and reported', async () => {
    expect(await json('start', tiny(), '--id', 'tiny-1')).toEqual({ campaignId: 'tiny-1' });
    expect(await json('pause', 'tiny-1', '--by', 'someone', '--why', 'the machine is needed')).toEqual({
      campaignId: 'tiny-1',
      action: 'pause',
      by: 'someone',
      why: 'the machine is needed',
    });
    expect(await until('paused', 'tiny-1')).toEqual({
      campaignId: 'tiny-1',
      state: 'paused',
      epoch: 0,
      candidates: { total: 4, running: 0, done: 0, failed: 0, rejected: 0 },
      etaSeconds: null,
      phase: expect.any(String),
      waiting: [],
    });

    const again = await runCommand(['start', tiny(), '--id', 'tiny-1']);
    expect(again).toEqual({ exitCode: 2, stdout: '', stderr: '--id: expected an id that no running campaign has, got "tiny-1"\n' });

    await json('resume', 'tiny-1');
    const { exitCode, stdout } = await runCommand(['watch', 'tiny-1', '--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      campaignId: 'tiny-1',
      state: 'completed',
      epoch: 1,
      // The second recorded self-edit of each context is empty.
      candidates: { total: 4, running: 0, done: 2, failed: 0, rejected: 2 },
      etaSeconds: null,
      phase: 'completed',
    });
    const { campaigns } = (await json('list')) as { campaigns: Record<string, unknown>[] };
    expect(campaigns.find(({ campaignId }) => campaignId === 'tiny-1')).toMatchObject({ state: 'completed', closed: expect.any(String) });

    // Plots do not load inside Jest: the report is written by the command itself.
    const main = join(__dirname, '..', '..', 'cli', 'main.js');
    const out = join(home, 'report');
    const report = JSON.parse(execFileSync(process.execPath, [main, 'report', 'tiny-1', '--out', out, '--json'], { encoding: 'utf8', env: process.env })) as Record<string, object[]>;
    expect(Object.keys(report)).toEqual(expect.arrayContaining(['campaignId', 'state', 'methods', 'epochs', 'comparisons', 'ledger']));
    expect(report['methods']?.map((method) => (method as { name: string }).name)).toEqual(['base', 'passage-only', 'seal-epoch-1']);
    expect(report['epochs']).toEqual([
      { epoch: 1, proposed: 4, cutOff: 0, rejected: 2, failed: 0, kept: 2, meanReward: expect.any(Number), bestReward: expect.any(Number), compared: 0, tied: 0 },
    ]);
    expect(JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))).toEqual(report);
    expect(readFileSync(join(out, 'candidates.csv'), 'utf8').split('\r\n')).toHaveLength(1 + 4 + 1);
    const page = readFileSync(join(out, 'report.html'), 'utf8');
    for (const heading of ['Self-edits before and after', 'Losses', 'Timeline', 'Ledger', 'Scores by context']) expect(page).toContain(`${heading}</h2>`);
    expect(page).not.toMatch(/NaN|undefined/);

    const ended = await runCommand(['pause', 'tiny-1']);
    expect(ended).toEqual({ exitCode: 2, stdout: '', stderr: 'tiny-1: expected a campaign that runs, to pause it, got one that is completed\n' });
    const whole = await runCommand(['retry-failed', 'tiny-1']);
    expect(whole).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(/^tiny-1: expected .* got one without such a candidate\n$/) });
  }, TIMEOUT_MS);

  it('gives its policy as an adapter, and as a merged model', async () => {
    const base = join(ROOT, 'test', 'golden', 'models', 'tied-fp32');
    const [adapters, merged] = [join(home, 'policy'), join(home, 'merged')];
    const exported = await json('export', 'tiny-1', '--epoch', '1', '--out', adapters);
    expect(exported).toEqual({
      campaignId: 'tiny-1',
      epoch: 1,
      out: adapters,
      kind: 'adapters',
      dtype: 'float32',
      adapters: [{ epoch: 1, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) }],
      unchanged: false,
    });
    expect(await json('export', 'tiny-1', '--epoch', '1', '--out', adapters)).toEqual({ ...exported, unchanged: true });
    expect(await json('export', 'tiny-1', '--epoch', '1', '--out', merged, '--merge')).toMatchObject({ kind: 'merged', dtype: 'float32', unchanged: false });
    mergeAdapters(base, [join(adapters, 'epoch-1')], join(home, 'expected'));
    expect(readFileSync(join(merged, 'model.safetensors')).equals(readFileSync(join(home, 'expected', 'model.safetensors')))).toBe(true);
    expect(readFileSync(join(merged, 'model.safetensors')).equals(readFileSync(join(base, 'model.safetensors')))).toBe(false);

    const rounded = join(home, 'rounded');
    const moved = await runCommand(['export', 'tiny-1', '--epoch', '1', '--out', rounded, '--merge', '--dtype', 'bfloat16', '--model', join(home, 'expected')]);
    expect(moved).toMatchObject({ exitCode: 2, stdout: '', stderr: expect.stringMatching(/pinned at start/) });
    await json('export', 'tiny-1', '--epoch', '1', '--out', rounded, '--merge', '--dtype', 'bfloat16', '--model', base);
    expect(openModelDirectory(rounded).storedDtype).toBe('BF16');
    const { exitCode, stderr } = await runCommand(['export', 'tiny-1', '--epoch', '1', '--out', rounded, '--merge']);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: `--out ${rounded}: expected a new or empty directory, or this very export, got another export\n` });
  }, TIMEOUT_MS);

  it('is cancelled, and says so', async () => {
    const waiting = runCommand(['start', tiny(), '--id', 'tiny-2', '--wait', '--json']);
    while ((await runCommand(['status', 'tiny-2'])).exitCode !== 0) await sleep(250);
    expect(await json('retry-failed', 'tiny-2', '--by', 'someone', '--why', 'in case')).toEqual({ campaignId: 'tiny-2', action: 'retry-failed', by: 'someone', why: 'in case', failedCandidates: 0 });
    await json('cancel', 'tiny-2', '--by', 'someone', '--why', 'enough');
    const { exitCode, stdout } = await waiting;
    expect({ exitCode, ...JSON.parse(stdout) }).toEqual({
      exitCode: 1,
      error: { code: 'CAMPAIGN_CANCELLED', message: 'tiny-2 cancelled: cancelled by someone' },
    });
    expect(await json('status', 'tiny-2')).toMatchObject({ campaignId: 'tiny-2', state: 'cancelled', reason: 'cancelled by someone', etaSeconds: null });
    expect(await runCommand(['retry-failed', 'tiny-2'])).toMatchObject({ exitCode: 2, stderr: expect.stringMatching(/got one that was cancelled/) });
  }, TIMEOUT_MS);

  it('that was terminated by hand says so, with the reason', async () => {
    await json('start', tiny(), '--id', 'tiny-3');
    while ((await runCommand(['status', 'tiny-3'])).exitCode !== 0) await sleep(250);
    const { client, connection } = await openTemporalClient(temporalSettings(), { timeoutMs: 5000 });
    await client.workflow.getHandle('tiny-3').terminate('the wrong passages');
    await connection.close();
    expect(await json('status', 'tiny-3')).toMatchObject({ state: 'failed', reason: 'the wrong passages', waiting: [] });
    expect((await runCommand(['status', 'tiny-3'])).stdout).toMatch(/^state {6}failed\nreason {5}the wrong passages$/m);
  }, TIMEOUT_MS);

  it('is not started under the id of another campaign', async () => {
    writeFileSync(join(home, 'other.yaml'), readFileSync(tiny(), 'utf8').replace('seed: 3', 'seed: 4'));
    expect(await runCommand(['start', join(home, 'other.yaml'), '--id', 'tiny-1'])).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: '--id: expected an id that no other campaign has used, got "tiny-1", which was started with another campaign file\n',
    });
  }, TIMEOUT_MS);

  it('that nobody started is unknown', async () => {
    for (const command of ['status', 'watch', 'pause', 'report']) {
      const { exitCode, stderr } = await runCommand([command, 'nobody']);
      expect({ exitCode, stderr: stderr.replace(/127\.0\.0\.1:\d+/, 'ADDRESS') }).toEqual({
        exitCode: 2,
        stderr: 'campaign id: expected one that Temporal at ADDRESS knows (see seal list), got "nobody"\n',
      });
    }
  }, TIMEOUT_MS);
});
