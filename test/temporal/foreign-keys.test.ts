import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@temporalio/client';
import { connectTemporal } from '../../temporal/connect';
import { dataConverter } from '../../temporal/encryption/data-converter';
import { addKey } from '../../temporal/encryption/key-file';
import { ORCHESTRATION_QUEUE } from '../../campaign/campaign';
import { temporalSettings } from '../../settings/temporal';
import { runCommand } from '../cli/run-command';
import { eventually } from '../workflows/temporal-fixture';
import { RefusingStack, type RunningWorker, runWorker } from './refusing-stack';

jest.setTimeout(180_000);

const before = process.env;
let stack: RefusingStack;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  const clean = { ...before, TEMPORAL_ADDRESS: '', S3_ENDPOINT: '', SEAL_CODEC_KEYS: '' };
  stack = await RefusingStack.start('foreign', clean);
  env = { ...clean, SEAL_HOME: stack.home };
  for (const name of ['ours', 'theirs']) addKey(keyFile(name), 'k1', true);
});
afterAll(async () => {
  process.env = before;
  await stack.stop();
});

const keyFile = (name: string): string => join(stack.directory, `${name}.json`);
const keysOf = (name: string): NodeJS.ProcessEnv => ({ ...env, SEAL_CODEC_KEYS: keyFile(name) });
const worker = (own: NodeJS.ProcessEnv): RunningWorker => runWorker(own, ['--queues', 'orchestration']);

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
const WORKFLOW_TASK_FAILED = 9;

test('with other keys than those of what runs, or none, nothing is started, served or written', async () => {
  await startWith('ours', 'running');
  await eventually('the campaign to be listed', () => withClient(env, async (client) => (await client.workflow.count("ExecutionStatus = 'Running'")).count > 0));
  const history = await eventTypes('running');
  const table = [
    [keysOf('theirs'), `SEAL_CODEC_KEYS ${keyFile('theirs')}: expected the key "k1" that this payload was encrypted with, got another key of that name`],
    [env, 'SEAL_CODEC_KEYS: expected the key "k1" that this payload was encrypted with, got no keys'],
  ] as const;
  for (const [own, line] of table) {
    process.env = own;
    expect(await runCommand(['start', stack.campaign, '--id', 'other'])).toEqual({ exitCode: 2, stdout: '', stderr: `${line}\n` });
    expect(await worker(own).ended).toMatchObject({ exitCode: 2, said: [{ message: line }] });
  }
  expect(await eventTypes('running')).toEqual(history);
  expect(stack.artifacts()).toEqual([]);
  await withClient(env, (client) => client.workflow.getHandle('running').terminate());
});

test('a worker beside one campaign whose key is lost serves the others, and says which key is missing', async () => {
  await eventually('no campaign to be listed', () => withClient(env, async (client) => (await client.workflow.count("ExecutionStatus = 'Running'")).count === 0));
  await startWith('ours', 'lost');
  await startWith('theirs', 'kept');
  await eventually('both to be listed', () => withClient(env, async (client) => (await client.workflow.count("ExecutionStatus = 'Running'")).count === 2));
  const serving = worker(keysOf('theirs'));
  try {
    await eventually('the key to be missed', () => serving.said.some(({ level, message }) => level === 'ERROR' && message.includes('expected the key "k1" that this payload was encrypted with')), 60_000);
    await startWith('ours', 'later');
    await eventually('its task to have failed', async () => (await eventTypes('later')).includes(WORKFLOW_TASK_FAILED), 30_000);
    expect(serving.said.some(({ message }) => message.startsWith('serving'))).toBe(true);
    const running = await withClient(env, async (client) => (await client.workflow.count("ExecutionStatus = 'Running'")).count);
    expect(running).toBeGreaterThanOrEqual(2);
  } finally {
    serving.stop('SIGTERM');
  }
  // It has lived until it was told to stop.
  expect((await serving.ended).exitCode).toBe(0);
});

test('keys that others can read are refused before anything is done', async () => {
  const open = keyFile('open');
  addKey(open, 'k1', true);
  chmodSync(open, 0o644);
  const line = `SEAL_CODEC_KEYS ${open}: expected a file that its owner alone can read (chmod 600), got mode 0644`;
  process.env = keysOf('open');
  for (const args of [['list'], ['start', stack.campaign, '--id', 'other'], ['codec', 'serve']]) {
    expect(await runCommand(args)).toEqual({ exitCode: 2, stdout: '', stderr: `${line}\n` });
  }
  expect(await worker(process.env).ended).toMatchObject({ exitCode: 2, said: [{ message: line }] });
});
