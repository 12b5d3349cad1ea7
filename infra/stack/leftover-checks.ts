/** What killed processes and machines leave behind: a broken database, locks, and processes of their own. */
import { closeSync, existsSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import type { DoctorCheck } from './doctor';
import { OBJECT_SERVER } from './object-server';
import { OwnProcesses } from './own-process';
import { packageRoot, requireUnbuilt } from './package-root';
import { ownerOf } from './process-lock';
import { SERVER_SUPERVISOR } from './server-state';
import { FIRST_START, TEMPORAL_SERVER } from './temporal-server';
import { WORKER, WORKER_CHILD } from './worker-state';

const { binaryCache } = requireUnbuilt('infra/bootstrap/binary-cache.cjs') as { binaryCache: (env: NodeJS.ProcessEnv) => string };

/** Whether Temporal's database can be one. What its pages hold is for the server to say, which refuses a broken one as it starts. */
export function checkDatabase(home: string): DoctorCheck {
  const name = 'database';
  const file = join(home, 'temporal.db');
  if (!existsSync(file)) return { name, ok: true, detail: 'none yet', advice: null };
  if (isSqlite(file)) return { name, ok: true, detail: file, advice: null };
  const advice = `move ${file} aside (its -wal and -shm too) and run "seal up": a new one is made, and campaigns started again under their ids go on with what is stored`;
  return { name, ok: false, detail: `${file} is broken: it does not begin as a SQLite database`, advice };
}

const MAGIC = 'SQLite format 3\0';

function isSqlite(file: string): boolean {
  const database = openSync(file, 'r');
  try {
    const header = Buffer.alloc(MAGIC.length);
    readSync(database, header, 0, header.length, 0);
    return header.toString('latin1') === MAGIC;
  } finally {
    closeSync(database);
  }
}

/** Locks of `seal up` and `down`, of installing, of building, and of getting the servers' programs. */
export function checkLocks(home: string, env: NodeJS.ProcessEnv): DoctorCheck {
  const files = [
    join(home, 'stack.lock'),
    ...['.npm-ci.lock', '.build.lock'].map((name) => join(packageRoot(), name)),
    ...locksIn(binaryCache(env)),
  ];
  const held = files.flatMap((file) => {
    const owner = ownerOf(file);
    return owner === null ? [] : [{ file, ...owner }];
  });
  const details = held.map(({ file, pid, isRunning }) => {
    if (pid === null) return `${file} names no owner`;
    return isRunning ? `${file} is held by process ${pid}` : `${file} is of process ${pid}, which has ended`;
  });
  const isAbandoned = held.some(({ isRunning }) => !isRunning);
  const waiting = held.filter(({ isRunning }) => isRunning).map(({ pid }) => pid);
  const advice = [
    ...(isAbandoned ? ['an abandoned lock needs nothing: whoever wants it next takes it over'] : []),
    ...(waiting.length > 0 ? [`others wait for process ${waiting.join(', ')}; if it does nothing any more, end it`] : []),
  ];
  return { name: 'locks', ok: true, detail: details.join('; ') || 'none held', advice: advice.join('; ') || null };
}

function locksIn(directory: string): string[] {
  return existsSync(directory) ? readdirSync(directory).filter((name) => name.endsWith('.lock')).map((name) => join(directory, name)) : [];
}

/** All that a home has a record of. */
const RECORDED = [WORKER, WORKER_CHILD, SERVER_SUPERVISOR, TEMPORAL_SERVER, FIRST_START, OBJECT_SERVER];

/** Whether a worker of this home outlived its supervisor, which would stop it. */
export function checkOrphans(home: string): DoctorCheck {
  const name = 'processes';
  const processes = new OwnProcesses(home);
  const child = processes.running(WORKER_CHILD);
  if (child === null || processes.running(WORKER) !== null) return { name, ok: true, detail: 'none without a supervisor', advice: null };
  return { name, ok: false, detail: `without a supervisor: ${child.pid} (a worker)`, advice: `end it: kill ${child.pid}` };
}

/** Whether processes still look for this home where it was before it was moved. */
export function checkMoved(home: string): DoctorCheck {
  const name = 'home';
  const processes = new OwnProcesses(home);
  const elsewhere = RECORDED.flatMap((one) => {
    const running = processes.running(one);
    const before = running === null ? null : processes.startedElsewhere(running);
    return before === null ? [] : [{ one, before }];
  });
  if (elsewhere.length === 0) return { name, ok: true, detail: home, advice: null };
  const detail = `${home} was moved from ${elsewhere[0]!.before} while these ran, and they still look there: ${elsewhere.map(({ one }) => one).join(', ')}`;
  return { name, ok: false, detail, advice: 'run "seal down", then "seal up"' };
}
