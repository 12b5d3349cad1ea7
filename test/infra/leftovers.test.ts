import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseProblem, checkDatabase } from '../../infra/stack/database-check';
import { checkLocks, checkOrphans } from '../../infra/stack/leftover-checks';
import { OwnProcesses, startTimeOf } from '../../infra/stack/own-process';
import { WORKER_CHILD } from '../../infra/stack/worker-state';

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
  const lock = (text: string): void => writeFileSync(join(home, 'stack.lock'), text);

  it('that are free, held, abandoned or unreadable are told apart', () => {
    expect(checkLocks(home)).toMatchObject({ ok: true, detail: 'none held' });
    lock(JSON.stringify({ pid: process.pid, startTime: startTimeOf(process.pid) }));
    expect(checkLocks(home)).toMatchObject({ ok: true, detail: expect.stringContaining(`held by process ${process.pid}`) });
    lock(JSON.stringify({ pid: process.pid, startTime: 'another time' }));
    expect(checkLocks(home)).toMatchObject({ ok: true, detail: expect.stringContaining('has ended') });
    lock('{');
    expect(checkLocks(home)).toMatchObject({ ok: false, advice: `remove ${join(home, 'stack.lock')}` });
  });
});

describe('processes', () => {
  it('none is none', () => expect(checkOrphans(home)).toMatchObject({ ok: true }));

  it('a worker whose supervisor is gone is named', () => {
    const child = spawn('sleep', ['60']);
    children.push(child);
    new OwnProcesses(home).record(WORKER_CHILD, { pid: child.pid!, startTime: startTimeOf(child.pid!)!, purpose: '' });
    expect(checkOrphans(home)).toMatchObject({ ok: false, detail: expect.stringContaining(`${child.pid} (a worker`), advice: `end them: kill ${child.pid}` });
  });

  (process.platform === 'linux' ? it : it.skip)('a language model whose worker was killed is named (Linux)', () => {
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
});
