import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HangLimit, hangLimit } from '../../settings/hang-limit';
import { formatLogLine } from '../../telemetry/log-line';
import { boundLogs } from './log-rotation';
import { endProcess, OwnProcesses, startTimeOf } from './own-process';
import { Silence } from './silence';
import { WORKER_CHILD, writeWorkerState } from './worker-state';

/** A worker that lives this long was healthy: the next failure waits the shortest time again. */
const HEALTHY_MS = 60_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** Running activities get this long to notice the cancellation. */
const GRACE_MS = 15_000;

/**
 * `node worker-supervisor.js HOME SCRIPT`: runs the worker and runs it again whenever it ends, since a worker that cannot
 * reach its server fails and a native crash takes its process. One that hangs is killed for it. SIGTERM ends both. It lives as long as the home is up, so it also keeps
 * the logs of all of the home's processes within bounds.
 */
async function supervise(home: string, script: string): Promise<void> {
  const processes = new OwnProcesses(home);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const endRotation = boundLogs(join(home, 'logs'));
  stop.signal.addEventListener('abort', endRotation, { once: true });
  const limit = hangLimit();
  let delayMs = FIRST_DELAY_MS;
  for (let restarts = 0; !stop.signal.aborted; restarts++) {
    const started = performance.now();
    const lastExit = await runOnce(processes, script, limit, stop.signal);
    if (stop.signal.aborted) return;
    writeWorkerState(home, { restarts: restarts + 1, lastExit });
    delayMs = performance.now() - started > HEALTHY_MS ? FIRST_DELAY_MS : Math.min(delayMs * 2, LONGEST_DELAY_MS);
    const fields = { process: 'supervisor', reason: lastExit, restarts: restarts + 1 };
    process.stderr.write(`${formatLogLine({ level: 'WARN', message: `the worker ended; it is started again in ${delayMs / 1000} s`, fields })}\n`);
    await sleep(delayMs, undefined, { signal: stop.signal }).catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
  }
}

/** @returns how it ended: `exit 1`, `SIGKILL`, `SIGKILL after 60 s without a sign of life` */
async function runOnce(processes: OwnProcesses, script: string, limit: HangLimit, stop: AbortSignal): Promise<string> {
  const child = spawn(process.execPath, ['--enable-source-maps', script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `exit ${code}`));
  });
  if (child.pid === undefined) return ended;
  const identity = { pid: child.pid, startTime: startTimeOf(child.pid) ?? 'ended', purpose: script };
  processes.record(WORKER_CHILD, identity);
  const onStop = (): void => void endProcess(identity, GRACE_MS);
  stop.addEventListener('abort', onStop, { once: true });
  if (stop.aborted) onStop();
  const watch = killIfSilent(child, limit);
  try {
    const how = await ended;
    return watch.killed === null ? how : `${how} ${watch.killed}`;
  } finally {
    watch.end();
    stop.removeEventListener('abort', onStop);
  }
}

/** Counts from the first sign of life on, so that a program which gives none is let alone. */
function killIfSilent(child: ChildProcess, { everyMs, silenceMs }: HangLimit): { readonly killed: string | null; end(): void } {
  const silence = new Silence(everyMs * 4);
  let [given, gaveAny, killed]: [boolean, boolean, string | null] = [false, false, null];
  child.on('message', () => ([given, gaveAny] = [true, true]));
  const timer = setInterval(() => {
    const silentMs = gaveAny ? silence.look(given) : 0;
    given = false;
    if (silentMs < silenceMs || killed !== null) return;
    killed = `after ${Math.round(silentMs / 1000)} s without a sign of life`;
    // What hangs may not hear anything gentler.
    child.kill('SIGKILL');
  }, everyMs);
  return {
    get killed() {
      return killed;
    },
    end: () => clearInterval(timer),
  };
}

const [home, script] = process.argv.slice(2);
if (home === undefined || script === undefined) throw new Error('expected HOME and SCRIPT');
void supervise(home, script);
