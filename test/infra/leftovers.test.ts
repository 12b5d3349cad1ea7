import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseProblem, checkDatabase } from '../../infra/stack/database-check';
import type { DoctorCheck } from '../../infra/stack/doctor';
import { checkLocks, checkMoved, checkOrphans, checkRemovedHomes } from '../../infra/stack/leftover-checks';
import { checkDisk } from '../../infra/stack/machine-checks';
import { embeddedCredentials, OBJECT_SERVER, startObjectServer } from '../../infra/stack/object-server';
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

/** A database of two pages, made by hand: a schema table whose root is an inner page with one leaf. */
function database(): Buffer {
  const bytes = Buffer.alloc(8192);
  bytes.write('SQLite format 3\0', 'latin1');
  bytes.writeUInt16BE(4096, 16);
  bytes.writeUInt32BE(7, 24);
  bytes.writeUInt32BE(2, 28);
  bytes.writeUInt32BE(7, 92);
  bytes[100] = 5;
  bytes.writeUInt32BE(2, 108);
  bytes[4096] = 13;
  return bytes;
}

describe('the database', () => {
  const written = (bytes: Buffer): string => {
    const file = join(home, 'temporal.db');
    writeFileSync(file, bytes);
    return file;
  };

  it('is in order as it was made', () => {
    expect(databaseProblem(written(database()))).toBeNull();
    expect(checkDatabase(home)).toMatchObject({ ok: true });
  });

  it('is read with its write-ahead log, as far as that is committed', () => {
    const file = written(database().fill(0, 4096));
    const log = Buffer.alloc(32 + 2 * (24 + 4096));
    log.write('saltsalt', 16);
    for (const [frame, type, size] of [[0, 13, 2], [1, 99, 0]] as const) {
      const at = 32 + frame * (24 + 4096);
      log.writeUInt32BE(2, at);
      log.writeUInt32BE(size, at + 4);
      log.write('saltsalt', at + 8);
      log[at + 24] = type;
    }
    expect(databaseProblem(file)).toContain('page 2 is of no known type (0)');
    writeFileSync(`${file}-wal`, log);
    expect(databaseProblem(file)).toBeNull();
  });

  it('is looked at page by page, however large it is', () => {
    const pages = 2 ** 20;
    const file = written(database());
    // A hole of 4 GiB, which takes no room.
    truncateSync(file, 4096 * pages);
    expect(databaseProblem(file)).toBeNull();
    const declared = database();
    declared.writeUInt32BE(pages + 1, 28);
    written(declared);
    truncateSync(file, 4096 * pages);
    expect(databaseProblem(file)).toBe(`it should have ${pages + 1} pages and has no page ${pages + 1}`);
  });

  it.each<[string, (bytes: Buffer) => Buffer, string]>([
    ['empty', () => Buffer.alloc(0), 'it is empty'],
    ['no database', (bytes) => Buffer.from(bytes.toString('latin1').replace('SQLite', 'Xqlite'), 'latin1'), 'does not begin as a SQLite database'],
    ['cut off in a page', (bytes) => bytes.subarray(0, 5000), 'no whole pages'],
    ['cut off after a page', (bytes) => bytes.subarray(0, 4096), 'it should have 2 pages and has no page 2'],
    ['with a page of zeros', (bytes) => bytes.fill(0, 4096), 'page 2 is of no known type (0)'],
    ['with a loop', (bytes) => (bytes.writeUInt32BE(1, 108), bytes), 'page 1 in the tree'],
  ])('that is %s is found, with what to do', (_name, damage, problem) => {
    written(damage(database()));
    expect(checkDatabase(home)).toMatchObject({ ok: false, detail: expect.stringContaining(problem), advice: expect.stringContaining('move') });
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
    expect(checkOrphans(home)).toMatchObject({ ok: false, detail: expect.stringContaining(`${child.pid} (a worker`), advice: `end them: kill ${child.pid}` });
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

  const onLinux = process.platform === 'linux' ? it : it.skip;

  onLinux('a language model whose worker was killed is named (Linux)', () => {
    mkdirSync(join(home, 'engine', 'runtime'), { recursive: true });
    const program = join(home, 'engine', 'runtime', 'compute-main.js');
    writeFileSync(program, 'setTimeout(() => {}, 60_000);');
    // Its parent, a shell, ends at once.
    const pid = Number(execFileSync('sh', ['-c', `"${process.execPath}" "${program}" >/dev/null 2>&1 & echo $!`], { env: { ...process.env, SEAL_HOME: home }, encoding: 'utf8' }));
    try {
      expect(checkOrphans(home)).toMatchObject({ ok: false, detail: expect.stringContaining(`${pid} (a language model)`) });
    } finally {
      process.kill(pid, 'SIGKILL');
    }
  });

  onLinux('servers that nobody has a record of are named, those of a removed home under any other (Linux)', async () => {
    const [lost, other] = ['lost', 'other'].map((name) => join(home, name)) as [string, string];
    for (const one of [lost, other]) mkdirSync(one);
    const processes = new OwnProcesses(lost);
    const { temporal, s3 } = { temporal: await serverBinary('temporal', () => undefined), s3: await serverBinary('versitygw', () => undefined) };
    await startTemporalServer({ home: lost, binary: temporal, processes, port: 0, uiPort: null });
    await startObjectServer({ home: lost, binary: s3, processes, port: 0 });
    const pids = [TEMPORAL_SERVER, OBJECT_SERVER].map((name) => processes.running(name)!.pid);
    try {
      expect(checkOrphans(lost)).toMatchObject({ ok: true });
      for (const name of [TEMPORAL_SERVER, OBJECT_SERVER]) rmSync(processes.pidFile(name));
      expect(checkOrphans(lost)).toMatchObject({ ok: false, advice: expect.stringMatching(/^end them: kill \d+ \d+$/) });
      for (const [index, what] of ['a Temporal server', 'an S3 server'].entries()) expect(checkOrphans(lost).detail).toContain(`${pids[index]} (${what})`);
      expect(checkRemovedHomes(other).detail).not.toContain(lost);
      rmSync(lost, { recursive: true });
      const found = checkRemovedHomes(other);
      expect(found.detail).toContain(`${pids[0]} (a Temporal server of ${lost})`);
      expect(found.detail).toContain(`${pids[1]} (an S3 server of ${lost})`);
      expect(found).toMatchObject({ ok: true, advice: expect.stringContaining('kill') });
      expect(checkOrphans(other)).toMatchObject({ ok: true });
    } finally {
      for (const pid of pids) process.kill(pid, 'SIGKILL');
    }
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
