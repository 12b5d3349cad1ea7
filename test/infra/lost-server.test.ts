import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { NAMESPACE, ORCHESTRATION_QUEUE } from '../../contracts/campaign';
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

async function workerPid(): Promise<number | null> {
  return (await stackStatus({ home })).worker?.pid ?? null;
}

test('a worker whose server is gone for a while is started until it finds it again, and works', async () => {
  await eventually('the worker to ask for work', async () => (await pollers()).some((who) => who.startsWith(`${status.worker?.pid}@`)), LIMIT_MS);
  // The server stays away while its own supervisor sleeps.
  process.kill(status.serverSupervisorPid ?? 0, 'SIGSTOP');
  process.kill(status.temporal?.pid ?? 0, 'SIGKILL');
  process.kill(status.worker?.pid ?? 0, 'SIGKILL');
  await eventually('the worker to fail for want of a server', async () => {
    const { worker } = await stackStatus({ home });
    return worker !== null && worker.restarts >= 2 && worker.lastExit !== 'SIGKILL';
  }, LIMIT_MS);
  process.kill(status.serverSupervisorPid ?? 0, 'SIGCONT');
  await eventually('the server to be back', async () => (await stackStatus({ home })).up, LIMIT_MS);
  await eventually('a worker to ask for work again', async () => {
    const pid = await workerPid();
    return pid !== null && pid !== status.worker?.pid && (await pollers()).some((who) => who.startsWith(`${pid}@`));
  }, LIMIT_MS);
});
