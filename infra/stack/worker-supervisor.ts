import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatLogLine } from '../../telemetry/log-line';
import { boundLogs } from './log-rotation';
import { endProcess, OwnProcesses, startTimeOf } from './own-process';
import { WORKER_CHILD, writeWorkerState } from './worker-state';

/** A worker that lives this long was healthy: the next failure waits the shortest time again. */
const HEALTHY_MS = 60_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;
/** Running activities get this long to notice the cancellation. */
const GRACE_MS = 15_000;

/**
 * `node worker-supervisor.js HOME SCRIPT`: runs the worker and runs it again whenever it ends, since a worker that cannot
 * reach its server fails and a native crash takes its process. SIGTERM ends both. It lives as long as the home is up, so it also keeps
 * the logs of all of the home's processes within bounds.
 */
async function supervise(home: string, script: string): Promise<void> {
  const processes = new OwnProcesses(home);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  const endRotation = boundLogs(join(home, 'logs'));
  stop.signal.addEventListener('abort', endRotation, { once: true });
  let delayMs = FIRST_DELAY_MS;
  for (let restarts = 0; !stop.signal.aborted; restarts++) {
    const started = performance.now();
    const lastExit = await runOnce(processes, script, stop.signal);
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

/** @returns how it ended: `exit 1`, `SIGKILL` */
async function runOnce(processes: OwnProcesses, script: string, stop: AbortSignal): Promise<string> {
  const child = spawn(process.execPath, ['--enable-source-maps', script], { stdio: ['ignore', 'inherit', 'inherit'] });
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
  try {
    return await ended;
  } finally {
    stop.removeEventListener('abort', onStop);
  }
}

const [home, script] = process.argv.slice(2);
if (home === undefined || script === undefined) throw new Error('expected HOME and SCRIPT');
void supervise(home, script);
