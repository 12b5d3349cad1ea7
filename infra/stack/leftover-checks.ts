/** What killed processes leave behind: locks, and processes of their own. */
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { DoctorCheck } from './doctor';
import { OBJECT_SERVER } from './object-server';
import { isRunning, OwnProcesses } from './own-process';
import { TEMPORAL_SERVER } from './temporal-server';
import { WORKER, WORKER_CHILD } from './worker-state';

/** The lock of `seal up` and `down`. One of a dead owner is taken over; one that cannot be read would be waited for, for ever. */
export function checkLocks(home: string): DoctorCheck {
  const name = 'locks';
  const file = join(home, 'stack.lock');
  if (!existsSync(file)) return { name, ok: true, detail: 'none held', advice: null };
  const owner = ownerOf(file);
  if (owner === null) return { name, ok: false, detail: `${file} names no owner`, advice: `remove ${file}` };
  if (isRunning(owner)) return { name, ok: true, detail: `${file} is held by process ${owner.pid}`, advice: null };
  return { name, ok: true, detail: `${file} is of process ${owner.pid}, which has ended`, advice: 'nothing needs to be done: the next "seal up" takes it over' };
}

function ownerOf(file: string): { pid: number; startTime: string } | null {
  try {
    const owner = JSON.parse(readFileSync(file, 'utf8')) as { pid?: unknown; startTime?: unknown };
    return typeof owner.pid === 'number' && typeof owner.startTime === 'string' ? { pid: owner.pid, startTime: owner.startTime } : null;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return null;
  }
}

/** Processes of this home that nothing supervises any more: a worker, a language model or a server that outlived who would stop it. */
export function checkOrphans(home: string): DoctorCheck {
  const name = 'processes';
  const processes = new OwnProcesses(home);
  const known = [WORKER, WORKER_CHILD, TEMPORAL_SERVER, OBJECT_SERVER].flatMap((one) => processes.running(one) ?? []);
  const child = processes.running(WORKER_CHILD);
  const orphans = new Map<number, string>();
  if (child !== null && processes.running(WORKER) === null) orphans.set(child.pid, 'a worker without its supervisor');
  for (const { pid, what } of strangers(home, new Set(known.map(({ pid }) => pid)))) orphans.set(pid, what);
  if (orphans.size === 0) return { name, ok: true, detail: 'none without a supervisor', advice: null };
  const detail = [...orphans].map(([pid, what]) => `${pid} (${what})`).join(', ');
  return { name, ok: false, detail: `without a supervisor: ${detail}`, advice: `end them: kill ${[...orphans.keys()].join(' ')}` };
}

/** Linux shows every process; elsewhere only those with a file of their own are known. */
function strangers(home: string, known: ReadonlySet<number>): { readonly pid: number; readonly what: string }[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
  return pids.flatMap((pid) => {
    if (known.has(pid)) return [];
    const command = readProc(pid, 'cmdline').split('\0');
    const isServer = command.includes('start-dev') && command.includes(join(home, 'temporal.db'));
    if (isServer) return [{ pid, what: 'a Temporal server' }];
    const isModel = command.some((part) => part.endsWith('/engine/runtime/compute-main.js'));
    if (isModel && homeOf(pid) === home && !isNode(parentOf(pid))) return [{ pid, what: 'a language model' }];
    return [];
  });
}

function homeOf(pid: number): string | undefined {
  const named = readProc(pid, 'environ').split('\0').find((entry) => entry.startsWith('SEAL_HOME='));
  return named?.slice('SEAL_HOME='.length);
}

function parentOf(pid: number): number {
  const stat = readProc(pid, 'stat');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] ?? 0);
}

/** A language model's parent is the worker or command that uses it; an orphan's is the system's. */
function isNode(pid: number): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) === readlinkSync('/proc/self/exe');
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return false;
    throw error;
  }
}

/** Empty for a process that ended meanwhile or is somebody else's. */
function readProc(pid: number, what: 'cmdline' | 'environ' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
