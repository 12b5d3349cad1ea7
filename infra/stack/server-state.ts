import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';

/** Name of the pid file of what starts the embedded servers again. */
export const SERVER_SUPERVISOR = 'server-supervisor';

const restartsSchema = z.number().int().nonnegative();
const serverStateSchema = z.strictObject({
  /** Since the supervisor was started. */
  temporalRestarts: restartsSchema,
  s3Restarts: restartsSchema,
});
export type ServerState = z.infer<typeof serverStateSchema>;

export const NO_RESTARTS: ServerState = { temporalRestarts: 0, s3Restarts: 0 };

const stateFile = (home: string): string => join(home, 'run', 'server-state.json');

export function writeServerState(home: string, state: ServerState): void {
  const file = stateFile(home);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.partial`, JSON.stringify(state));
  renameSync(`${file}.partial`, file);
}

/** Nothing is supervised any more. */
export function forgetServerState(home: string): void {
  rmSync(stateFile(home), { force: true });
}

/** Nothing was started again where no supervisor ever wrote it. */
export function readServerState(home: string): ServerState {
  try {
    return serverStateSchema.parse(JSON.parse(readFileSync(stateFile(home), 'utf8')));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return NO_RESTARTS;
    throw error;
  }
}
