import { Client, Connection } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NAMESPACE } from '../../campaign/campaign';
import { doctor } from '../../infra/stack/doctor';
import { startTimeOf } from '../../infra/stack/own-process';
import { type StackOptions, startStack, stopStack } from '../../infra/stack/stack';
import { stackStatus, type StackStatus } from '../../infra/stack/stack-status';
import { openStoreFromEnvironment } from '../../storage/open-store';

jest.setTimeout(120_000);

const ports = { temporal: 0, ui: 0, s3: 0 };
/** Neither the servers nor the home of whoever runs the tests. */
const env: NodeJS.ProcessEnv = { ...process.env, TEMPORAL_ADDRESS: '', S3_ENDPOINT: '' };
let directory: string;
let home: string;
let workerScript: string;
let options: StackOptions;
let status: StackStatus;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'seal-stack-'));
  home = join(directory, 'home');
  // As somebody who shares a machine may have left it.
  mkdirSync(home);
  chmodSync(home, 0o777);
  workerScript = join(directory, 'worker.js');
  writeFileSync(
    workerScript,
    `console.log('worker', process.pid, process.env.TEMPORAL_ADDRESS, process.env.S3_ENDPOINT, process.env.SEAL_HOME);
     setInterval(() => {}, 1000);`,
  );
  options = { home, env, ports, workerScript };
  status = await startStack(options);
});
afterAll(async () => {
  await stopStack({ home });
  rmSync(directory, { recursive: true });
});

function pidsOf({ temporal, s3, worker }: StackStatus): unknown[] {
  return [temporal?.pid, s3?.pid, worker?.supervisorPid];
}

async function eventually<T>(probe: () => Promise<T | null> | T | null): Promise<T> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; await sleep(50)) {
    const value = await probe();
    if (value !== null) return value;
  }
  throw new Error('expected it within 30 s');
}

async function startWorkflow(workflowId: string): Promise<void> {
  const connection = await Connection.connect({ address: status.temporal?.address ?? '' });
  const reward = defineSearchAttributeKey('SealReward', 'DOUBLE');
  await new Client({ connection, namespace: NAMESPACE }).workflow.start('nothing', {
    ...{ workflowId, taskQueue: 'nobody' },
    typedSearchAttributes: new TypedSearchAttributes([{ key: reward, value: 0.5 }]),
  });
  await connection.close();
}

async function workflowIds(): Promise<string[]> {
  const connection = await Connection.connect({ address: status.temporal?.address ?? '' });
  const ids: string[] = [];
  const listed = new Client({ connection, namespace: NAMESPACE }).workflow.list({ query: 'SealReward = 0.5' });
  for await (const { workflowId } of listed) ids.push(workflowId);
  await connection.close();
  return ids.sort();
}

it('has a namespace that keeps histories for 90 days and search attributes that work at once', async () => {
  await startWorkflow('first');
  await eventually(async () => ((await workflowIds()).includes('first') ? true : null));
  const connection = await Connection.connect({ address: status.temporal?.address ?? '' });
  const { config } = await connection.workflowService.describeNamespace({ namespace: NAMESPACE });
  expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(90 * 24 * 3600);
  await connection.close();
});

it('has a store that every process of this home finds', async () => {
  const store = await openStoreFromEnvironment({ SEAL_HOME: home });
  const ref = await store.put(Buffer.from('kept'), 'text/plain');
  expect(Buffer.from(await store.get(ref)).toString()).toBe('kept');
  store.close();
});

it('keeps its credentials to their owner, off the command line and out of the logs', () => {
  const file = join(home, 's3-credentials.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const { secretAccessKey } = JSON.parse(readFileSync(file, 'utf8'));
  expect(secretAccessKey.length).toBeGreaterThan(30);
  for (const log of Object.values(status.logs)) expect(readFileSync(log, 'utf8')).not.toContain(secretAccessKey);
  if (process.platform === 'linux') {
    expect(readFileSync(`/proc/${status.s3?.pid}/cmdline`, 'utf8')).not.toContain(secretAccessKey);
  }
});

it('keeps its databases, objects, logs and all else to their owner', () => {
  const names = ['', ...readdirSync(home, { recursive: true, encoding: 'utf8' })];
  const open = names
    // The S3 server gives its objects a mode of their own: what closes them is the directory above.
    .filter((name) => !name.startsWith('objects/') || statSync(join(home, name)).isDirectory())
    .map((name) => `${name} 0${(statSync(join(home, name)).mode & 0o777).toString(8)}`)
    .filter((line) => !line.endsWith('00'));
  expect(open).toEqual([]);
  expect(readdirSync(home)).toEqual(expect.arrayContaining(['logs', 'objects', 'run', 's3-credentials.json', 'stack.json', 'temporal.db', 'temporal.db-wal']));
});

(process.platform === 'linux' ? it : it.skip)('listens on the loopback interface only (needs /proc)', () => {
  for (const pid of [status.temporal?.pid, status.s3?.pid]) {
    const inodes = new Set(
      readdirSync(`/proc/${pid}/fd`)
        .map((fd) => /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1])
        .filter((inode) => inode !== undefined),
    );
    const rows = ['tcp', 'tcp6'].flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1));
    const listening = rows.map((row) => row.trim().split(/\s+/)).filter((row) => row[3] === '0A' && inodes.has(row[9] ?? ''));
    expect(listening.length).toBeGreaterThan(0);
    for (const row of listening) expect(row[1]).toMatch(/^0100007F:/);
  }
});

it('runs a worker that is told where the servers are', async () => {
  const log = await eventually(() => /^worker \d+ (.*)$/m.exec(readFileSync(status.logs.worker, 'utf8'))?.[1] ?? null);
  expect(log).toBe(`${status.temporal?.address} ${status.s3?.address} ${home}`);
});

it('uses what runs already, for several callers at once', async () => {
  const again = await Promise.all([startStack(options), startStack(options), startStack(options)]);
  for (const one of again) expect(pidsOf(one)).toEqual(pidsOf(status));
});

it('is content with servers of the user, and starts none then', async () => {
  const other = mkdtempSync(join(tmpdir(), 'seal-stack-'));
  const own = { ...env, TEMPORAL_ADDRESS: status.temporal?.address, S3_ENDPOINT: status.s3?.address };
  const theirs = await startStack({ home: other, env: own, worker: false });
  expect(theirs).toMatchObject({ up: true, worker: null, temporal: { pid: null }, s3: { pid: null, bucket: 'seal' } });
  expect(await startStack({ home: other, env: own, worker: false })).toEqual(theirs);
  expect(await stopStack({ home: other })).toEqual([]);
  expect((await stackStatus({ home })).up).toBe(true);
  const dead = startStack({ home: other, env: { ...own, TEMPORAL_ADDRESS: '127.0.0.1:1' }, worker: false });
  await expect(dead).rejects.toMatchObject({
    name: 'ServerUnreachableError',
    message: expect.stringContaining('Temporal at 127.0.0.1:1: expected a server, got no answer'),
  });
  const noS3 = startStack({ home: other, env: { ...own, S3_ENDPOINT: 'http://127.0.0.1:1' }, worker: false });
  await expect(noS3).rejects.toMatchObject({
    name: 'ServerUnreachableError',
    message: expect.stringContaining('the S3 server at http://127.0.0.1:1 does not answer'),
  });
  rmSync(other, { recursive: true });
});

it('starts a worker again that was killed', async () => {
  const before = await eventually(async () => (await stackStatus({ home })).worker?.pid ?? null);
  process.kill(before, 'SIGKILL');
  const after = await eventually(async () => {
    const worker = (await stackStatus({ home })).worker;
    return typeof worker?.pid === 'number' && worker.pid !== before ? worker : null;
  });
  expect(after).toMatchObject({ restarts: 1, lastExit: 'SIGKILL' });
});

/** Both servers answer again, as other processes than before. */
function replaced(previous: StackStatus): Promise<StackStatus> {
  return eventually(async () => {
    const now = await stackStatus({ home });
    const isNew = now.temporal?.pid !== previous.temporal?.pid && now.s3?.pid !== previous.s3?.pid;
    return now.up && isNew && now.temporal?.pid !== null && now.s3?.pid !== null ? now : null;
  });
}

it('brings servers back that were killed, where they were, with nothing lost and the same credentials', async () => {
  await startWorkflow('before-kill');
  const credentials = readFileSync(join(home, 's3-credentials.json'), 'utf8');
  for (const pid of [status.temporal?.pid, status.s3?.pid]) process.kill(pid ?? 0, 'SIGKILL');
  const previous = status;
  status = await replaced(previous);
  expect([status.temporal?.address, status.temporal?.uiUrl, status.s3?.address]).toEqual([previous.temporal?.address, previous.temporal?.uiUrl, previous.s3?.address]);
  // Counted a moment after they answer.
  await eventually(async () => {
    const { temporal, s3 } = await stackStatus({ home });
    return temporal?.restarts === 1 && s3?.restarts === 1 ? true : null;
  });
  expect(readFileSync(join(home, 's3-credentials.json'), 'utf8')).toBe(credentials);
  await eventually(async () => ((await workflowIds()).join() === 'before-kill,first' ? true : null));
  const store = await openStoreFromEnvironment({ SEAL_HOME: home });
  expect(await store.list('sha256/')).toHaveLength(1);
  store.close();
});

it('starts them with "up" where nothing else does, and supervises them again', async () => {
  const previous = status;
  process.kill(status.serverSupervisorPid ?? 0, 'SIGKILL');
  await eventually(() => (startTimeOf(previous.serverSupervisorPid ?? 0) === null ? true : null));
  const unsupervised = await doctor({ home, env });
  expect(unsupervised.filter(({ ok }) => !ok).map(({ name }) => name)).toEqual(['supervision of servers']);
  for (const pid of [status.temporal?.pid, status.s3?.pid]) process.kill(pid ?? 0, 'SIGKILL');
  await eventually(async () => ((await stackStatus({ home })).up ? null : true));
  status = await startStack(options);
  expect(status.up).toBe(true);
  expect(pidsOf(status).slice(0, 2)).not.toEqual(pidsOf(previous).slice(0, 2));
  expect(status.serverSupervisorPid).not.toBeNull();
});

/** Null while the port is taken. */
function listeningAt(port: number): Promise<Server | null> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(null) : reject(error)));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}

it('gives a port up that another program has taken meanwhile until that program ends', async () => {
  const previous = status;
  const port = Number(new URL(status.s3?.address ?? '').port);
  // Nobody brings the server back until the port is taken.
  process.kill(status.serverSupervisorPid ?? 0, 'SIGSTOP');
  process.kill(status.s3?.pid ?? 0, 'SIGKILL');
  await eventually(() => (startTimeOf(previous.s3?.pid ?? 0) === null ? true : null));
  // A killed process of many threads may hold its port for a moment after its main thread has ended.
  const squatter = await eventually(() => listeningAt(port));
  process.kill(status.serverSupervisorPid ?? 0, 'SIGCONT');
  const log = join(home, 'logs', 'server-supervisor.log');
  await eventually(() => (readFileSync(log, 'utf8').includes(`port ${port} is taken by another program`) ? true : null));
  await new Promise((resolve) => squatter.close(resolve));
  status = await eventually(async () => {
    const now = await stackStatus({ home });
    return now.up && now.s3?.pid !== previous.s3?.pid ? now : null;
  });
  expect(status.s3?.address).toBe(previous.s3?.address);
});

it('is healthy in the eyes of the doctor', async () => {
  const checks = await doctor({ home, env });
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
  expect(checks.find(({ name }) => name === 'onnxruntime')?.detail).toMatch(/^\d+\.\d+\.\d+ with cpu/);
});

it('is not healthy in the eyes of the doctor where a server does not answer', async () => {
  const checks = await doctor({ home, env: { ...env, TEMPORAL_ADDRESS: '127.0.0.1:1' } });
  expect(checks.filter(({ ok }) => !ok)).toEqual([
    {
      name: 'Temporal server',
      ok: false,
      detail: '127.0.0.1:1 does not answer',
      advice: 'run "seal up", or correct TEMPORAL_ADDRESS',
    },
  ]);
});

it('stops what it started, once', async () => {
  const running = await stackStatus({ home });
  expect(await stopStack({ home })).toEqual(['worker', 'Temporal', 'S3']);
  for (const pid of [...pidsOf(running), running.worker?.pid, running.serverSupervisorPid]) expect(startTimeOf(Number(pid))).toBeNull();
  expect(await stopStack({ home })).toEqual([]);
  expect(existsSync(join(home, 'stack.json'))).toBe(false);
  expect(readdirSync(join(home, 'run'))).toEqual(['worker-state.json']);
  expect((await stackStatus({ home })).up).toBe(false);
});
