import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkSupervision, checkWorker } from '../../infra/stack/server-checks';
import { startStack, stopStack } from '../../infra/stack/stack';
import { stackStatus, type StackStatus } from '../../infra/stack/stack-status';
import { openStoreFromEnvironment } from '../../storage/open-store';
import { eventually } from '../workflows/temporal-fixture';

jest.setTimeout(300_000);

const HANG_SECONDS = 12;
const LIMIT_MS = 120_000;

let home: string;
let env: NodeJS.ProcessEnv;
let status: StackStatus;

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'seal-hanging-'));
  env = { ...process.env, TEMPORAL_ADDRESS: '', S3_ENDPOINT: '', SEAL_HANG_SECONDS: String(HANG_SECONDS) };
  status = await startStack({ home, env, ports: { temporal: 0, ui: null, s3: 0 } });
  await eventually('the worker to serve', () => readFileSync(status.logs.worker, 'utf8').includes('"serving'), LIMIT_MS);
  status = await stackStatus({ home });
});
afterAll(async () => {
  await stopStack({ home });
  rmSync(home, { recursive: true, force: true });
});

function pids({ temporal, s3, worker }: StackStatus): readonly (number | null | undefined)[] {
  return [temporal?.pid, s3?.pid, worker?.pid];
}

test('a machine that sleeps, supervisors and all, finds its servers and its worker as they were', async () => {
  const supervisors = [status.serverSupervisorPid!, status.worker!.supervisorPid];
  const all = [...supervisors, ...pids(status)] as number[];
  for (const pid of all) process.kill(pid, 'SIGSTOP');
  await sleep(1.5 * HANG_SECONDS * 1000);
  for (const pid of all) process.kill(pid, 'SIGCONT');
  await sleep(1.5 * HANG_SECONDS * 1000);
  const now = await stackStatus({ home });
  expect(now.up).toBe(true);
  expect(pids(now)).toEqual(pids(status));
});

test('servers that hang without ending are killed for it and started again, with nothing lost', async () => {
  const store = await openStoreFromEnvironment({ SEAL_HOME: home });
  const ref = await store.put(Buffer.from('kept'), 'text/plain');
  for (const pid of pids(status).slice(0, 2)) process.kill(pid!, 'SIGSTOP');
  await eventually('both servers to be others', async () => {
    const { up, temporal, s3 } = await stackStatus({ home });
    return up && temporal?.restarts === 1 && s3?.restarts === 1;
  }, LIMIT_MS);
  const now = await stackStatus({ home });
  for (const index of [0, 1]) expect(pids(now)[index]).not.toBe(pids(status)[index]);
  expect([now.temporal, now.s3].map((server) => server?.address)).toEqual([status.temporal, status.s3].map((server) => server?.address));
  for (const server of [now.temporal, now.s3]) {
    const [, seconds] = /^it had not answered for (\d+) s$/.exec(server?.lastReason ?? '') ?? [];
    expect(Number(seconds)).toBeGreaterThanOrEqual(HANG_SECONDS);
  }
  expect(checkSupervision(home)).toMatchObject({ ok: true, detail: expect.stringMatching(/Temporal started again 1 times, last because it had not answered for \d+ s, S3 started/) });
  expect(readFileSync(join(home, 'logs', 'server-supervisor.log'), 'utf8')).toMatch(/versitygw was started again at port \d+: it had not answered for \d+ s/);
  expect(Buffer.from(await store.get(ref)).toString()).toBe('kept');
  store.close();
});

test('a worker that hangs without ending is killed for it and started again', async () => {
  const before = (await stackStatus({ home })).worker!;
  process.kill(before.pid!, 'SIGSTOP');
  await eventually('the worker to be another', async () => {
    const { worker } = await stackStatus({ home });
    return typeof worker?.pid === 'number' && worker.pid !== before.pid && worker.restarts > before.restarts;
  }, LIMIT_MS);
  expect((await stackStatus({ home })).worker?.lastExit).toMatch(/^SIGKILL after \d+ s without a sign of life$/);
  expect(checkWorker(home)).toMatchObject({ ok: true, detail: expect.stringContaining('without a sign of life') });
});
