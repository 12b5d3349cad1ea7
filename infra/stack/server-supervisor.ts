import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type HangLimit, hangLimit } from '../../settings/hang-limit';
import { readStackFile, type StackFile } from '../../settings/stack-file';
import { formatLogLine } from '../../telemetry/log-line';
import { answers, OBJECT_SERVER, startObjectServer } from './object-server';
import { endProcess, type OwnProcess, OwnProcesses } from './own-process';
import { freePort } from './ports';
import { withLock } from './process-lock';
import { serverBinary } from './server-binaries';
import { ServerProbe } from './server-probe';
import { NO_RESTARTS, type ServerState, writeServerState } from './server-state';
import { embedded, frontendAnswers, startTemporalServer, TEMPORAL_SERVER } from './temporal-server';

/** Between two looks at the servers. */
const LOOK_MS = 250;
/** A server that lives this long was healthy: the next failure waits the shortest time again. */
const HEALTHY_MS = 60_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

/** An embedded server, and how it is started again where it was. */
interface Server {
  readonly name: string;
  readonly state: keyof ServerState;
  /** Absent: it is one of the user's own. */
  readonly portIn: (stack: StackFile) => number | undefined;
  /** Whether the one that was started at this address answers. */
  readonly answers: (address: string, patienceMs: number) => Promise<boolean>;
  readonly start: (context: { readonly home: string; readonly processes: OwnProcesses; readonly stack: StackFile; readonly port: number }) => Promise<unknown>;
}

const SERVERS: readonly Server[] = [
  {
    name: TEMPORAL_SERVER,
    state: 'temporal',
    portIn: ({ temporal }) => (temporal.embedded ? Number(temporal.address.split(':').at(-1)) : undefined),
    answers: (address, patienceMs) => frontendAnswers(embedded(address), patienceMs),
    start: async ({ home, processes, stack, port }) => {
      const { uiUrl } = stack.temporal;
      const uiPort = uiUrl === null ? null : Number(new URL(uiUrl).port);
      await startTemporalServer({ home, processes, binary: await serverBinary('temporal', () => undefined), port, uiPort });
    },
  },
  {
    name: OBJECT_SERVER,
    state: 's3',
    portIn: ({ s3 }) => (s3.credentialsFile === null ? undefined : Number(new URL(s3.endpoint).port)),
    answers,
    start: async ({ home, processes, port }) => {
      await startObjectServer({ home, processes, binary: await serverBinary('versitygw', () => undefined), port });
    },
  },
];

/**
 * `node server-supervisor.js HOME`: starts an embedded server again that has ended, or that hangs and is killed for it, at its address, over
 * its data, with its credentials, until `seal down` removes the stack file or stops this process. Servers outlive it: it knows them by
 * the pid files.
 */
async function supervise(home: string): Promise<void> {
  const processes = new OwnProcesses(home);
  const hangs = hangDetector(hangLimit());
  let state = NO_RESTARTS;
  writeServerState(home, state);
  const rests = new Map(SERVERS.map(({ name }) => [name, newRest()]));
  for (let stack = readStackFile(home); stack !== null; stack = readStackFile(home)) {
    for (const server of SERVERS) {
      const rest = rests.get(server.name)!;
      const now = performance.now();
      if (server.portIn(stack) === undefined || now < rest.notBeforeMs) continue;
      const running = processes.running(server.name);
      const silentSeconds = running === null ? 0 : hangs(server, running);
      if (running !== null && silentSeconds === null) continue;
      if (now - rest.notBeforeMs > HEALTHY_MS) rest.delayMs = FIRST_DELAY_MS;
      // One that was killed for hanging and does not start at once has still hung.
      rest.why ??= running === null ? 'it had ended' : `it had not answered for ${silentSeconds} s`;
      if (await startedAgain(home, processes, server, running, rest.why)) {
        state = { ...state, [server.state]: { restarts: state[server.state].restarts + 1, lastReason: rest.why } };
        writeServerState(home, state);
        rest.why = null;
      }
      rest.notBeforeMs = performance.now() + rest.delayMs;
      rest.delayMs = Math.min(rest.delayMs * 2, LONGEST_DELAY_MS);
    }
    await sleep(LOOK_MS);
  }
}

interface Rest {
  delayMs: number;
  notBeforeMs: number;
  /** Why it has to be started again, as long as it is not. */
  why: string | null;
}

function newRest(): Rest {
  return { delayMs: FIRST_DELAY_MS, notBeforeMs: 0, why: null };
}

/** @returns tells for how many seconds a process that hangs has not answered; null for one that does not hang */
function hangDetector(limit: HangLimit): (server: Server, running: OwnProcess) => number | null {
  const probes = new Map<string, { readonly pid: number; readonly probe: ServerProbe }>();
  return ({ name, answers: ask }, { pid, purpose: address }) => {
    let known = probes.get(name);
    if (known?.pid !== pid) probes.set(name, (known = { pid, probe: new ServerProbe(() => ask(address, limit.patienceMs), limit) }));
    return known.probe.hangs() ? Math.round(known.probe.silentMs / 1000) : null;
  };
}

/**
 * Under the stack's lock, since `seal up` and `seal down` start and stop the same servers.
 * @param hanging the process to be killed first; null where it has ended
 */
async function startedAgain(home: string, processes: OwnProcesses, { name, portIn, start }: Server, hanging: OwnProcess | null, why: string): Promise<boolean> {
  return withLock(join(home, 'stack.lock'), async () => {
    const stack = readStackFile(home);
    const port = stack === null ? undefined : portIn(stack);
    const isAsSeen = processes.running(name)?.pid === hanging?.pid;
    if (stack === null || port === undefined || !isAsSeen) return false;
    const fields = { process: 'server-supervisor' };
    try {
      // A process that hangs may not hear anything gentler.
      if (hanging !== null) await endProcess(hanging, 0);
      if ((await freePort(port)) !== port) throw new Error(`port ${port} is taken by another program`);
      await start({ home, processes, stack, port });
      say('WARN', `${name} was started again at port ${port}: ${why}`, fields);
      return true;
    } catch (error) {
      // It is tried again: whatever is in its way may go away, and nothing works without it.
      say('ERROR', `${name} could not be started again at port ${port}: ${why}`, { ...fields, reason: String(error) });
      return false;
    }
  });
}

function say(level: 'WARN' | 'ERROR', message: string, fields: Record<string, unknown>): void {
  process.stderr.write(`${formatLogLine({ level, message, fields })}\n`);
}

const [home] = process.argv.slice(2);
if (home === undefined) throw new Error('expected HOME');
void supervise(home);
