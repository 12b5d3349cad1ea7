import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { connectTemporal } from '../../connection/connect';
import { dataConverter } from '../../connection/encryption/data-converter';
import { addKey } from '../../connection/encryption/key-file';
import { temporalSettings } from '../../connection/temporal-settings';
import { ORCHESTRATION_QUEUE } from '../../contracts/campaign';
import { packageRoot } from '../../infra/stack/package-root';
import { startStack, stopStack } from '../../infra/stack/stack';
import { runCommand } from '../cli/run-command';
import { writeTinyModel } from '../workflows/tiny-model';
import { eventually } from '../workflows/temporal-fixture';

jest.setTimeout(180_000);

const before = process.env;
let home: string;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'seal-foreign-'));
  env = { ...before, TEMPORAL_ADDRESS: '', S3_ENDPOINT: '', SEAL_HOME: home, SEAL_CODEC_KEYS: '' };
  await startStack({ home, env, ports: { temporal: 0, ui: null, s3: 0 }, worker: false });
  for (const name of ['ours', 'theirs']) addKey(join(home, `${name}.json`), 'k1', true);
  writeTinyModel(join(home, 'model'), 5);
  const context = { title: 'cat', context: 'the cat sat', questions: [{ question: 'who sat', answer: 'cat' }], completions: ['a cat sat'] };
  writeFileSync(join(home, 'contexts.json'), JSON.stringify([context, { ...context, title: 'dog' }]));
  writeFileSync(
    join(home, 'campaign.yaml'),
    `name: foreign
seed: 3
model: model
epochs: 1
contexts: { train: { path: contexts.json, take: 1 }, heldOut: { path: contexts.json, skip: 1 } }
proposals: { k: 1, source: recorded }
innerLoop: { rank: 2, alpha: 4, trainEpochs: 1, repeats: 1 }
`,
  );
});
afterAll(async () => {
  await stopStack({ home });
  process.env = before;
  rmSync(home, { recursive: true, force: true });
});

const keysOf = (name: string): NodeJS.ProcessEnv => ({ ...env, SEAL_CODEC_KEYS: join(home, `${name}.json`) });

interface Ended {
  readonly exitCode: number | null;
  readonly messages: readonly string[];
}

function worker(own: NodeJS.ProcessEnv): { readonly messages: string[]; readonly ended: Promise<Ended>; stop(): void } {
  const child = spawn(process.execPath, [join(packageRoot(), 'dist', 'workers', 'main.js'), '--queues', 'orchestration'], { env: own });
  const messages: string[] = [];
  child.stderr.on('data', (data: Buffer) => messages.push(...data.toString().trim().split('\n').map((line) => (JSON.parse(line) as { message: string }).message)));
  return { messages, ended: new Promise((resolve) => child.once('exit', (exitCode) => resolve({ exitCode, messages }))), stop: () => child.kill('SIGKILL') };
}

async function withClient<Result>(own: NodeJS.ProcessEnv, body: (client: Client) => Promise<Result>): Promise<Result> {
  const settings = temporalSettings(env);
  const connection = await connectTemporal(settings);
  try {
    return await body(new Client({ connection, namespace: settings.namespace, dataConverter: dataConverter(own) }));
  } finally {
    await connection.close();
  }
}

/** A campaign's workflow, whose input nobody needs to understand. */
function startWith(name: string, workflowId: string): Promise<void> {
  return withClient(keysOf(name), async (client) => {
    await client.workflow.start('campaignWorkflow', { workflowId, taskQueue: ORCHESTRATION_QUEUE, args: [{ campaignId: workflowId }] });
  });
}

function eventTypes(workflowId: string): Promise<number[]> {
  return withClient(env, async (client) => {
    const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
    return (events ?? []).map(({ eventType }) => Number(eventType));
  });
}
/** temporal.api.enums.v1.EventType */
const WORKFLOW_TASK_FAILED = 7;

test('with other keys than those of what runs, or none, nothing is started, served or written', async () => {
  await startWith('ours', 'running');
  await eventually('the campaign to be listed', () => withClient(env, async (client) => (await client.workflow.count("ExecutionStatus = 'Running'")).count > 0));
  const history = await eventTypes('running');
  const table = [
    [keysOf('theirs'), `SEAL_CODEC_KEYS ${join(home, 'theirs.json')}: expected the key "k1" that this payload was encrypted with, got another key of that name`],
    [env, 'SEAL_CODEC_KEYS: expected the key "k1" that this payload was encrypted with, got no keys'],
  ] as const;
  for (const [own, line] of table) {
    process.env = own;
    expect(await runCommand(['start', join(home, 'campaign.yaml'), '--id', 'other'])).toEqual({ exitCode: 2, stdout: '', stderr: `${line}\n` });
    expect(await worker(own).ended).toEqual({ exitCode: 2, messages: [line] });
  }
  expect(await eventTypes('running')).toEqual(history);
  expect(readdirSync(join(home, 'objects'), { recursive: true, encoding: 'utf8' }).filter((name) => name.includes('sha256'))).toEqual([]);
  await withClient(env, (client) => client.workflow.getHandle('running').terminate());
});

test('a worker that meets another key later ends, and what it was given has not failed', async () => {
  await eventually('no campaign to be listed', () => withClient(env, async (client) => (await client.workflow.count("ExecutionStatus = 'Running'")).count === 0));
  const serving = worker(keysOf('theirs'));
  try {
    await eventually('the worker to serve', () => serving.messages.some((message) => message.startsWith('serving')), 60_000);
    await startWith('ours', 'later');
    const { exitCode, messages } = await serving.ended;
    expect([exitCode, messages.at(-1)]).toEqual([2, expect.stringContaining('expected the key "k1" that this payload was encrypted with, got another key of that name')]);
    expect(await eventTypes('later')).not.toContain(WORKFLOW_TASK_FAILED);
  } finally {
    serving.stop();
  }
});

test('keys that others can read are refused before anything is done', async () => {
  const open = join(home, 'open.json');
  addKey(open, 'k1', true);
  chmodSync(open, 0o644);
  const line = `SEAL_CODEC_KEYS ${open}: expected a file that its owner alone can read (chmod 600), got mode 0644`;
  process.env = keysOf('open');
  for (const args of [['list'], ['start', join(home, 'campaign.yaml'), '--id', 'other'], ['codec', 'serve']]) {
    expect(await runCommand(args)).toEqual({ exitCode: 2, stdout: '', stderr: `${line}\n` });
  }
  expect(await worker(process.env).ended).toEqual({ exitCode: 2, messages: [line] });
});
