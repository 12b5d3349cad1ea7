/** What killed processes leave behind: locks, and processes of their own. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DoctorCheck } from './doctor';
import { type HomeProcess, homeProcesses } from './home-processes';
import { OBJECT_SERVER } from './object-server';
import { OwnProcesses } from './own-process';
import { packageRoot, requireUnbuilt } from './package-root';
import { ownerOf } from './process-lock';
import { SERVER_SUPERVISOR } from './server-state';
import { FIRST_START, TEMPORAL_SERVER } from './temporal-server';
import { WORKER, WORKER_CHILD } from './worker-state';

const { binaryCache } = requireUnbuilt('infra/bootstrap/binary-cache.cjs') as { binaryCache: (env: NodeJS.ProcessEnv) => string };

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

/** Processes of this home that nothing supervises any more: a worker, a language model or a server that outlived who would stop it. */
export function checkOrphans(home: string): DoctorCheck {
  const name = 'processes';
  const processes = new OwnProcesses(home);
  const recorded = new Set(RECORDED.flatMap((one) => processes.running(one)?.pid ?? []));
  const child = processes.running(WORKER_CHILD);
  const orphans = new Map<number, string>();
  if (child !== null && processes.running(WORKER) === null) orphans.set(child.pid, 'a worker without its supervisor');
  for (const found of homeProcesses()) {
    if (found.home === home && !found.hasParent && !recorded.has(found.pid)) orphans.set(found.pid, found.what);
  }
  if (orphans.size === 0) return { name, ok: true, detail: 'none without a supervisor', advice: null };
  const detail = [...orphans].map(([pid, what]) => `${pid} (${what})`).join(', ');
  return { name, ok: false, detail: `without a supervisor: ${detail}`, advice: `end them: kill ${[...orphans.keys()].join(' ')}` };
}

/** Processes of homes that somebody has removed under them: nobody else would ever stop them. They do this home no harm. */
export function checkRemovedHomes(home: string): DoctorCheck {
  const name = 'processes of removed homes';
  const lost = homeProcesses().filter((found: HomeProcess) => found.isHomeRemoved && found.home !== home && !found.hasParent);
  if (lost.length === 0) return { name, ok: true, detail: 'none', advice: null };
  const detail = lost.map(({ pid, what, home: removed }) => `${pid} (${what} of ${removed})`).join(', ');
  return { name, ok: true, detail, advice: `unless they are being stopped just now, end them: kill ${lost.map(({ pid }) => pid).join(' ')}` };
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
