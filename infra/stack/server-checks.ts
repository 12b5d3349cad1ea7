import { join } from 'node:path';
import { connectTemporal } from '../../temporal/connect';
import { BadInputError, ServerUnreachableError } from '../../campaign/errors';
import { namedS3Endpoint } from '../../settings/s3';
import { readStackFile } from '../../settings/stack-file';
import { namedAddress, temporalSettings } from '../../settings/temporal';
import type { DoctorCheck } from './doctor';
import { answers, clockOf } from './object-server';
import { OwnProcesses } from './own-process';
import { packageRoot } from './package-root';
import { freePort } from './ports';
import { probeCommand } from './probe-command';
import { readServerState, SERVER_SUPERVISOR } from './server-state';
import { WORKER, WORKER_CHILD, readWorkerState } from './worker-state';

/** Whether the servers' programs are here or how they would be got, without getting them. */
export async function checkPrograms(env: NodeJS.ProcessEnv): Promise<DoctorCheck[]> {
  const script = join(packageRoot(), 'infra', 'bootstrap', 'servers.mjs');
  const go = await probeCommand('go', ['version']);
  const wanted = [
    { name: 'temporal', own: namedAddress(env) },
    { name: 'versitygw', own: namedS3Endpoint(env) },
  ];
  return Promise.all(
    wanted.map(async ({ name, own }): Promise<DoctorCheck> => {
      if (own !== null) {
        return { name: `program ${name}`, ok: true, detail: `not needed: ${own} is used`, advice: null };
      }
      const found = await probeCommand(process.execPath, [script, '--only-find', name]);
      if (found !== null) return { name: `program ${name}`, ok: true, detail: found, advice: null };
      const detail = `not here yet; the first "seal up" downloads it${go === null ? '' : ` or builds it with ${go}`}`;
      const advice = go === null ? `where nothing can be downloaded, install Go or put ${name} on PATH` : null;
      return { name: `program ${name}`, ok: true, detail, advice };
    }),
  );
}

/** Whether what `up` wrote about the servers can be read. Where it cannot, nothing can be said about them. */
export function checkStackFile(home: string): DoctorCheck {
  const name = 'stack file';
  try {
    return { name, ok: true, detail: readStackFile(home) === null ? 'none: nothing was started' : 'readable', advice: null };
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    return { name, ok: false, detail: error.message, advice: 'run "seal down", then "seal up"' };
  }
}

export async function checkPorts(home: string): Promise<DoctorCheck> {
  if (readStackFile(home) !== null) return { name: 'ports', ok: true, detail: 'in use by the running stack', advice: null };
  const wanted = [7233, 8233, 7070];
  const got = await Promise.all(wanted.map(freePort));
  const taken = wanted.filter((port, index) => got[index] !== port);
  const detail = taken.length === 0 ? `${wanted.join(', ')} are free` : `${taken.join(', ')} taken; others are chosen`;
  return { name: 'ports', ok: true, detail, advice: null };
}

export async function checkTemporal(home: string, env: NodeJS.ProcessEnv): Promise<DoctorCheck> {
  const name = 'Temporal server';
  let settings;
  try {
    settings = temporalSettings({ ...env, SEAL_HOME: home });
  } catch (error) {
    if (error instanceof BadInputError) return { name, ok: false, detail: error.message, advice: 'correct it, or unset TEMPORAL_*' };
    if (!(error instanceof ServerUnreachableError)) throw error;
    return { name, ok: true, detail: 'not running', advice: 'run "seal up" to start it' };
  }
  const { address, namespace } = settings;
  try {
    await (await connectTemporal(settings)).close();
    return { name, ok: true, detail: `${address}, namespace ${namespace}`, advice: null };
  } catch (error) {
    if (error instanceof BadInputError) return { name, ok: false, detail: error.message, advice: 'correct the TEMPORAL_* variable or the certificate' };
    return { name, ok: false, detail: `${address} does not answer`, advice: 'run "seal up", or correct TEMPORAL_ADDRESS' };
  }
}

export async function checkObjectServer(home: string, env: NodeJS.ProcessEnv): Promise<DoctorCheck> {
  const name = 'S3 server';
  const endpoint = endpointOf(home, env);
  if (endpoint === undefined) return { name, ok: true, detail: 'not running', advice: 'run "seal up" to start it' };
  const ok = await answers(endpoint);
  const detail = ok ? endpoint : `${endpoint} does not answer`;
  return { name, ok, detail, advice: ok ? null : 'run "seal up", or correct S3_ENDPOINT' };
}

/** S3 refuses requests that are this far from its own time. */
const REFUSED_SKEW_MINUTES = 15;
const WORRYING_SKEW_MINUTES = 1;

/** Whether this machine and the S3 server agree on the time. */
export async function checkClock(home: string, env: NodeJS.ProcessEnv): Promise<DoctorCheck> {
  const name = 'clock';
  const endpoint = endpointOf(home, env);
  const theirs = endpoint === undefined ? null : await clockOf(endpoint);
  if (theirs === null) return { name, ok: true, detail: 'nothing to compare it with', advice: null };
  const minutes = (Date.now() - theirs) / 60_000;
  const ok = Math.abs(minutes) < WORRYING_SKEW_MINUTES;
  const detail = `${Math.abs(minutes).toFixed(0)} minutes ${minutes > 0 ? 'ahead of' : 'behind'} the S3 server's; it refuses requests that are ${REFUSED_SKEW_MINUTES} off`;
  return ok ? { name, ok, detail: "agrees with the S3 server's", advice: null } : { name, ok, detail, advice: 'set the clock of the machine that is wrong, and let it follow a time server' };
}

/** Of the environment, else of what runs here. */
function endpointOf(home: string, env: NodeJS.ProcessEnv): string | undefined {
  return namedS3Endpoint(env) ?? readStackFile(home)?.s3.endpoint;
}

/** Whether embedded servers that end or hang come back by themselves. */
export function checkSupervision(home: string): DoctorCheck {
  const name = 'supervision of servers';
  const stack = readStackFile(home);
  if (stack === null || (!stack.temporal.embedded && stack.s3.credentialsFile === null)) {
    return { name, ok: true, detail: 'nothing to supervise', advice: null };
  }
  const processes = new OwnProcesses(home);
  const pid = processes.running(SERVER_SUPERVISOR)?.pid;
  if (pid === undefined) return { name, ok: false, detail: 'not running: a server that ends or hangs stays away', advice: 'run "seal up" to start it' };
  const state = readServerState(home);
  const servers = [
    ['Temporal', state.temporal],
    ['S3', state.s3],
  ] as const;
  const ended = servers.filter(([, { restarts }]) => restarts > 0).map(([server, { restarts, lastReason }]) => `, ${server} started again ${restarts} times, last because ${lastReason}`);
  return { name, ok: true, detail: `pid ${pid}${ended.join('')}`, advice: ended.length === 0 ? null : `see ${processes.logFile(SERVER_SUPERVISOR)}` };
}

export function checkWorker(home: string): DoctorCheck {
  const processes = new OwnProcesses(home);
  if (processes.running(WORKER) === null) {
    return { name: 'worker', ok: true, detail: 'not running', advice: 'run "seal up" to start one' };
  }
  const { restarts, lastExit } = readWorkerState(home);
  const pid = processes.running(WORKER_CHILD)?.pid;
  const ended = restarts === 0 ? '' : `, started again ${restarts} times, last after ${lastExit}`;
  const detail = `${pid === undefined ? 'between two starts' : `pid ${pid}`}${ended}`;
  return { name: 'worker', ok: pid !== undefined, detail, advice: restarts === 0 ? null : `see ${processes.logFile(WORKER)}` };
}
