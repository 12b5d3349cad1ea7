import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { connectTemporal } from '../../temporal/connect';
import { NAMESPACE } from '../../campaign/campaign';
import { environment } from '../../settings/environment';
import type { TemporalSettings } from '../../settings/temporal';
import type { OwnProcesses } from './own-process';
import { freePort, LOOPBACK, onFreePorts } from './ports';

export const TEMPORAL_SERVER = 'temporal';
/** The server while it creates its tables; never one to be reused. */
export const FIRST_START = 'temporal-first-start';
const PREFERRED_PORT = 7233;
const PREFERRED_UI_PORT = 8233;
const READY_TIMEOUT_MS = 60_000;
const DATABASE = 'temporal.db';

export interface TemporalServerOptions {
  readonly home: string;
  readonly binary: string;
  readonly processes: OwnProcesses;
  /** 0: any free one. @default 7233 if free, else any */
  readonly port?: number;
  /** 0: any free one; null: no web UI. @default 8233 if free, else any */
  readonly uiPort?: number | null;
}

export interface TemporalServer {
  readonly address: string;
  readonly uiUrl: string | null;
}

/** Starts the development server over `$SEAL_HOME/temporal.db` and waits until its frontend answers. */
export async function startTemporalServer(options: TemporalServerOptions): Promise<TemporalServer> {
  const database = join(options.home, DATABASE);
  await options.processes.stop(FIRST_START);
  if (!existsSync(database)) await onFreePorts(() => buildDatabase(options, database));
  return onFreePorts(async () => {
    const uiPort = options.uiPort === null ? null : await freePort(options.uiPort ?? PREFERRED_UI_PORT);
    const address = await launch(TEMPORAL_SERVER, options, database, options.port ?? PREFERRED_PORT, uiPort);
    return { address, uiUrl: uiPort === null ? null : `http://${LOOPBACK}:${uiPort}` };
  });
}

/** A server killed while it creates its tables leaves a database that never works: so that happens aside. */
async function buildDatabase(options: TemporalServerOptions, database: string): Promise<void> {
  const { home, processes } = options;
  for (const name of readdirSync(home).filter((left) => left.startsWith(`${DATABASE}.new`))) rmSync(join(home, name));
  const aside = `${database}.new`;
  await launch(FIRST_START, options, aside, 0, null);
  await processes.stop(FIRST_START);
  renameSync(aside, database);
}

/**
 * A write-ahead log: four times the candidates a second of a journal that is rewritten at each commit, and as safe from a killed server.
 * Only a machine that loses power may lose the last moments, which are then done again. The first start has none, since it is moved
 * as one file.
 */
const JOURNAL = ['journal_mode=WAL', 'synchronous=NORMAL'].flatMap((pragma) => ['--sqlite-pragma', pragma]);

/**
 * Urgent campaigns first, and a share for each of those that are equally urgent: this server's version has both, switched off.
 * Each partition of a queue keeps such an order of its own, so tasks go to one only; all are read, since there may be some in
 * the others of an older database.
 */
export const SCHEDULING_ARGUMENTS = ['matching.useNewMatcher=true', 'matching.enableFairness=true', 'matching.numTaskqueueWritePartitions=1'].flatMap(
  (setting) => ['--dynamic-config-value', setting],
);

async function launch(
  name: string,
  { binary, processes }: TemporalServerOptions,
  database: string,
  wantedPort: number,
  uiPort: number | null,
): Promise<string> {
  const port = await freePort(wantedPort);
  const address = `${LOOPBACK}:${port}`;
  const server = processes.launch({
    name,
    command: binary,
    args: [
      ...['server', 'start-dev', '--ip', LOOPBACK, '--port', String(port), '--db-filename', database],
      ...['--log-level', 'error'],
      ...SCHEDULING_ARGUMENTS,
      ...(name === FIRST_START ? [] : JOURNAL),
      ...(uiPort === null ? ['--headless'] : ['--ui-ip', LOOPBACK, '--ui-port', String(uiPort)]),
    ],
    env: environment(),
    purpose: address,
  });
  await server.waitUntil(() => frontendAnswers(embedded(address), 1_000), READY_TIMEOUT_MS);
  return address;
}

/** How the server that is started here is spoken to: on loopback, without TLS. */
export function embedded(address: string): TemporalSettings {
  return { address, namespace: NAMESPACE, security: {} };
}

/**
 * Whether a Temporal frontend answers there, and lets us in.
 * @param timeoutMs how long a busy machine may take. @default 10000
 */
export async function frontendAnswers(settings: TemporalSettings, timeoutMs = 10_000): Promise<boolean> {
  try {
    const connection = await connectTemporal(settings, timeoutMs);
    await connection.close();
    return true;
  } catch {
    // Whatever the reason, it does not answer; what that means is the caller's to say.
    return false;
  }
}
