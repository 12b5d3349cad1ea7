import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { StackFile } from '../../contracts/stack';
import { formatLogLine } from '../../telemetry/log-line';
import { OBJECT_SERVER, startObjectServer } from './object-server';
import { OwnProcesses } from './own-process';
import { freePort } from './ports';
import { withLock } from './process-lock';
import { serverBinary } from './server-binaries';
import { NO_RESTARTS, type ServerState, writeServerState } from './server-state';
import { readStackFile } from './stack-file';
import { startTemporalServer, TEMPORAL_SERVER } from './temporal-server';

/** Between two looks at the servers. */
const LOOK_MS = 250;
/** A server that lives this long was healthy: the next failure waits the shortest time again. */
const HEALTHY_MS = 60_000;
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 30_000;

/** An embedded server, and how it is started again where it was. */
interface Server {
  readonly name: string;
  readonly count: keyof ServerState;
  /** Absent: it is one of the user's own. */
  readonly portIn: (stack: StackFile) => number | undefined;
  readonly start: (context: { readonly home: string; readonly processes: OwnProcesses; readonly stack: StackFile; readonly port: number }) => Promise<unknown>;
}

const SERVERS: readonly Server[] = [
  {
    name: TEMPORAL_SERVER,
    count: 'temporalRestarts',
    portIn: ({ temporal }) => (temporal.embedded ? Number(temporal.address.split(':').at(-1)) : undefined),
    start: async ({ home, processes, stack, port }) => {
      const { uiUrl } = stack.temporal;
      const uiPort = uiUrl === null ? null : Number(new URL(uiUrl).port);
      await startTemporalServer({ home, processes, binary: await serverBinary('temporal', () => undefined), port, uiPort });
    },
  },
  {
    name: OBJECT_SERVER,
    count: 's3Restarts',
    portIn: ({ s3 }) => (s3.credentialsFile === null ? undefined : Number(new URL(s3.endpoint).port)),
    start: async ({ home, processes, port }) => {
      await startObjectServer({ home, processes, binary: await serverBinary('versitygw', () => undefined), port });
    },
  },
];

/**
 * `node server-supervisor.js HOME`: starts an embedded server again that has ended, at its address, over its data, with its
 * credentials, until `seal down` removes the stack file or stops this process. Servers outlive it: it knows them by the pid files.
 */
async function supervise(home: string): Promise<void> {
  const processes = new OwnProcesses(home);
  let state = NO_RESTARTS;
  writeServerState(home, state);
  const rests = new Map(SERVERS.map(({ name }) => [name, { delayMs: FIRST_DELAY_MS, notBeforeMs: 0 }]));
  for (let stack = readStackFile(home); stack !== null; stack = readStackFile(home)) {
    for (const server of SERVERS) {
      const rest = rests.get(server.name)!;
      const now = performance.now();
      if (server.portIn(stack) === undefined || processes.running(server.name) !== null || now < rest.notBeforeMs) continue;
      if (now - rest.notBeforeMs > HEALTHY_MS) rest.delayMs = FIRST_DELAY_MS;
      if (await startedAgain(home, processes, server)) {
        state = { ...state, [server.count]: state[server.count] + 1 };
        writeServerState(home, state);
      }
      rest.notBeforeMs = performance.now() + rest.delayMs;
      rest.delayMs = Math.min(rest.delayMs * 2, LONGEST_DELAY_MS);
    }
    await sleep(LOOK_MS);
  }
}

/** Under the stack's lock, since `seal up` and `seal down` start and stop the same servers. */
async function startedAgain(home: string, processes: OwnProcesses, { name, portIn, start }: Server): Promise<boolean> {
  return withLock(join(home, 'stack.lock'), async () => {
    const stack = readStackFile(home);
    const port = stack === null ? undefined : portIn(stack);
    if (stack === null || port === undefined || processes.running(name) !== null) return false;
    const fields = { process: 'server-supervisor' };
    try {
      if ((await freePort(port)) !== port) throw new Error(`port ${port} is taken by another program`);
      await start({ home, processes, stack, port });
      say('WARN', `${name} had ended; it was started again at port ${port}`, fields);
      return true;
    } catch (error) {
      // It is tried again: whatever is in its way may go away, and nothing works without it.
      say('ERROR', `${name} had ended and could not be started again at port ${port}`, { ...fields, reason: String(error) });
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
