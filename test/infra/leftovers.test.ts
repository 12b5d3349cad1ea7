import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DoctorCheck } from '../../infra/stack/doctor';
import { checkDatabase, checkLocks, checkMoved, checkOrphans } from '../../infra/stack/leftover-checks';
import { checkDisk } from '../../infra/stack/machine-checks';
import { embeddedCredentials, OBJECT_SERVER } from '../../infra/stack/object-server';
import { OwnProcesses, startTimeOf } from '../../infra/stack/own-process';
import { serverBinary } from '../../infra/stack/server-binaries';
import { checkClock, checkStackFile } from '../../infra/stack/server-checks';
import { NO_RESTARTS, readServerState } from '../../infra/stack/server-state';
import { startTemporalServer, TEMPORAL_SERVER } from '../../infra/stack/temporal-server';
import { readWorkerState, WORKER_CHILD } from '../../infra/stack/worker-state';
import { canMount, mountSmallDisk } from '../storage/small-disk';

jest.setTimeout(120_000);

let home: string;
const children: ChildProcess[] = [];
beforeEach(() => {
  home = realpathSync(mkdtempSync(join(tmpdir(), 'seal-leftovers-')));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(home, { recursive: true, force: true });
});

describe('the database', () => {
  it('is in order as it was made', async () => {
    const binary = await serverBinary('temporal', () => undefined);
    const processes = new OwnProcesses(home);
    await startTemporalServer({ home, binary, processes, port: 0, uiPort: null });
    expect(checkDatabase(home)).toMatchObject({ ok: true });
    await processes.stop(TEMPORAL_SERVER);
    expect(checkDatabase(home)).toEqual({ name: 'database', ok: true, detail: join(home, 'temporal.db'), advice: null });
  });

  it.each([
    ['empty', ''],
    ['zeros', '\0'.repeat(8192)],
    ['something else', 'Xqlite format 3\0'],
  ])('that is %s is found, with what to do', (_name, text) => {
    writeFileSync(join(home, 'temporal.db'), text, 'latin1');
    expect(checkDatabase(home)).toMatchObject({ ok: false, detail: expect.stringContaining('does not begin as a SQLite database'), advice: expect.stringContaining('move') });
  });
});

describe('locks', () => {
  const env = (): NodeJS.ProcessEnv => ({ XDG_CACHE_HOME: join(home, 'cache') });
  const stackLock = (): string => join(home, 'stack.lock');

  it('that are free, held, abandoned or damaged are told apart', () => {
    const check = (): DoctorCheck => checkLocks(home, env());
    expect(check()).toMatchObject({ ok: true, detail: expect.not.stringContaining(home) });
    writeFileSync(stackLock(), JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }));
    expect(check()).toMatchObject({ ok: true, detail: expect.stringContaining(`held by process ${process.pid}`), advice: expect.stringContaining(`others wait for process ${process.pid}`) });
    writeFileSync(stackLock(), JSON.stringify({ pid: process.pid, startTime: 'another time' }));
    expect(check()).toMatchObject({ ok: true, detail: expect.stringContaining('has ended'), advice: expect.stringContaining('takes it over') });
    writeFileSync(stackLock(), '');
    expect(check()).toMatchObject({ ok: true, detail: expect.stringContaining('names no owner'), advice: expect.stringContaining('takes it over') });
  });

  it("of the servers' programs are among them", () => {
    const bin = join(home, 'cache', 'seal', 'bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'temporal-1.0.lock'), JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }));
    expect(checkLocks(home, env()).detail).toContain(`${join(bin, 'temporal-1.0.lock')} is held by process ${process.pid}`);
  });
});

describe('what a machine that lost its power left of a file', () => {
  it.each(['', '{', '{"pid":"many"}'])('%j of a record tells of nobody', (text) => {
    const processes = new OwnProcesses(home);
    processes.record(WORKER_CHILD, { pid: process.pid, startTime: startTimeOf(process.pid)!, purpose: '' });
    expect(processes.running(WORKER_CHILD)).toMatchObject({ pid: process.pid });
    writeFileSync(processes.pidFile(WORKER_CHILD), text);
    expect(processes.running(WORKER_CHILD)).toBeNull();
    for (const name of ['server-state.json', 'worker-state.json']) writeFileSync(join(home, 'run', name), text);
    expect(readServerState(home)).toEqual(NO_RESTARTS);
    expect(readWorkerState(home)).toEqual({ restarts: 0, lastExit: null });
  });

  it('is named where nobody else knows what stood in it', async () => {
    expect(checkStackFile(home)).toMatchObject({ ok: true });
    for (const name of ['stack.json', 's3-credentials.json']) writeFileSync(join(home, name), '');
    expect(checkStackFile(home)).toMatchObject({ ok: false, detail: expect.stringContaining(join(home, 'stack.json')), advice: 'run "seal down", then "seal up"' });
    await expect(embeddedCredentials(home)).rejects.toThrow(`${join(home, 's3-credentials.json')}: expected the credentials that "seal up" wrote; remove it`);
  });
});

describe('processes', () => {
  it('none is none', () => {
    expect(checkOrphans(home)).toMatchObject({ ok: true });
    expect(checkMoved(home)).toMatchObject({ ok: true, detail: home });
  });

  it('a worker whose supervisor is gone is named', () => {
    const child = spawn('sleep', ['60']);
    children.push(child);
    new OwnProcesses(home).record(WORKER_CHILD, { pid: child.pid!, startTime: startTimeOf(child.pid!)!, purpose: '' });
    expect(checkOrphans(home)).toMatchObject({ ok: false, detail: expect.stringContaining(`${child.pid} (a worker`), advice: `end it: kill ${child.pid}` });
  });

  it('one of a home that was moved is told from one of a home that was copied', () => {
    const child = spawn('sleep', ['60']);
    children.push(child);
    const [before, after, copy] = ['before', 'after', 'copy'].map((name) => join(home, name)) as [string, string, string];
    mkdirSync(before);
    new OwnProcesses(before).record(OBJECT_SERVER, { pid: child.pid!, startTime: startTimeOf(child.pid!)!, purpose: 'an address' });
    expect(new OwnProcesses(before).runningHere(OBJECT_SERVER)).toMatchObject({ pid: child.pid });
    cpSync(before, copy, { recursive: true });
    expect(new OwnProcesses(copy).running(OBJECT_SERVER)).toBeNull();
    renameSync(before, after);
    rmSync(copy, { recursive: true });
    expect(new OwnProcesses(after).running(OBJECT_SERVER)).toMatchObject({ pid: child.pid });
    expect(new OwnProcesses(after).runningHere(OBJECT_SERVER)).toBeNull();
    expect(checkMoved(after)).toEqual({
      name: 'home',
      ok: false,
      detail: `${after} was moved from ${before} while these ran, and they still look there: versitygw`,
      advice: 'run "seal down", then "seal up"',
    });
  });
});

it('a home that is not there yet is not made by looking at its disk', async () => {
  const none = join(home, 'not', 'yet');
  expect(await checkDisk(none)).toMatchObject({ name: 'disk', detail: expect.stringContaining(`free for ${none}`) });
  expect(existsSync(join(home, 'not'))).toBe(false);
});

const ifMounted = canMount ? describe : describe.skip;

ifMounted('a disk (needs a mount)', () => {
  it('of artifacts that is full or read-only is found, though that of the home is neither', async () => {
    const objects = mountSmallDisk(join(home, 'objects'));
    try {
      objects.fill();
      expect(await checkDisk(home)).toMatchObject({ ok: false, detail: `0.0 GiB free for ${objects.directory}`, advice: expect.stringContaining('free 2 GiB') });
      objects.empty();
      objects.setReadOnly(true);
      expect(await checkDisk(home)).toMatchObject({
        ok: false,
        detail: `${objects.directory}: expected a place that can be written, got a file system that is read only`,
        advice: expect.stringContaining('campaigns wait meanwhile'),
      });
    } finally {
      objects.unmount();
    }
  });

  it('of the home that is full is found', async () => {
    const disk = mountSmallDisk(join(home, 'home'));
    try {
      disk.fill();
      expect(await checkDisk(disk.directory)).toMatchObject({ ok: false, advice: expect.stringContaining('free 2 GiB') });
    } finally {
      disk.unmount();
    }
  });
});

describe('the clock', () => {
  it.each([
    [0, true, "agrees with the S3 server's"],
    [3_600_000, false, "60 minutes behind the S3 server's"],
    [-600_000, false, "10 minutes ahead of the S3 server's"],
  ])('of a server that is %p ms off', async (offMs, ok, detail) => {
    const server = createServer((_request, response) => response.writeHead(403, { date: new Date(Date.now() + offMs).toUTCString() }).end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    expect(await checkClock(home, { S3_ENDPOINT: endpoint })).toMatchObject({ ok, detail: expect.stringContaining(detail), advice: ok ? null : expect.stringContaining('set the clock') });
    await new Promise((resolve) => server.close(resolve));
  });

  it('is compared with nothing where there is no server', async () => {
    expect(await checkClock(home, {})).toMatchObject({ ok: true });
  });
});
