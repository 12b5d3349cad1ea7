import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { NAMESPACE, ORCHESTRATION_QUEUE } from '../../campaign/campaign';
import { startStack, stopStack } from '../../infra/stack/stack';
import { stackStatus, type StackStatus } from '../../infra/stack/stack-status';
import { eventually } from '../workflows/temporal-fixture';

jest.setTimeout(300_000);

const LIMIT_MS = 120_000;
const WORKFLOW_QUEUE_TYPE = 1;

let home: string;
let status: StackStatus;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'seal-lost-'));
  const env: NodeJS.ProcessEnv = { ...process.env, TEMPORAL_ADDRESS: '', S3_ENDPOINT: '' };
  status = await startStack({ home, env, ports: { temporal: 0, ui: null, s3: 0 } });
});
afterAll(async () => {
  await stopStack({ home });
  rmSync(home, { recursive: true, force: true });
});

/** Processes that ask for workflow tasks now, as the server lists them: `<pid>@<host>`. */
async function pollers(): Promise<string[]> {
  const connection = await Connection.connect({ address: status.temporal?.address ?? '' });
  const { pollers: found } = await connection.workflowService.describeTaskQueue({
    namespace: NAMESPACE,
    taskQueue: { name: ORCHESTRATION_QUEUE },
    taskQueueType: WORKFLOW_QUEUE_TYPE,
  });
  await connection.close();
  return (found ?? []).map(({ identity }) => identity ?? '');
}

/** The running worker, once it asks for work. */
async function workerAtWork(): Promise<number | undefined> {
  const pid = (await stackStatus({ home })).worker?.pid;
  return pid !== undefined && pid !== null && (await pollers()).some((who) => who.startsWith(`${pid}@`)) ? pid : undefined;
}

test('a worker whose server is gone for a while is started until it finds it again, and works', async () => {
  let first: number | undefined;
  await eventually('the worker to ask for work', async () => (first = await workerAtWork()) !== undefined, LIMIT_MS);
  // The server stays away while its own supervisor sleeps.
  process.kill(status.serverSupervisorPid ?? 0, 'SIGSTOP');
  process.kill(status.temporal?.pid ?? 0, 'SIGKILL');
  process.kill(first!, 'SIGKILL');
  await eventually('the worker to fail for want of a server', async () => {
    const { worker } = await stackStatus({ home });
    return worker !== null && worker.restarts >= 2 && worker.lastExit !== 'SIGKILL';
  }, LIMIT_MS);
  process.kill(status.serverSupervisorPid ?? 0, 'SIGCONT');
  await eventually('the server to be back', async () => (await stackStatus({ home })).up, LIMIT_MS);
  await eventually('a worker to ask for work again', async () => {
    const pid = await workerAtWork();
    return pid !== undefined && pid !== first;
  }, LIMIT_MS);
});
