import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { readStateFile, writeStateFile } from './state-file';

/** Name of the pid file of what starts the embedded servers again. */
export const SERVER_SUPERVISOR = 'server-supervisor';

const restartsSchema = z.strictObject({
  /** Since the supervisor was started. */
  restarts: z.number().int().nonnegative(),
  /** Why it was started again last: `it had ended`, `it had not answered for 62 s`. */
  lastReason: z.string().nullable(),
});
const serverStateSchema = z.strictObject({ temporal: restartsSchema, s3: restartsSchema });
export type ServerState = z.infer<typeof serverStateSchema>;

const NEVER: z.infer<typeof restartsSchema> = { restarts: 0, lastReason: null };
export const NO_RESTARTS: ServerState = { temporal: NEVER, s3: NEVER };

const stateFile = (home: string): string => join(home, 'run', 'server-state.json');

export function writeServerState(home: string, state: ServerState): void {
  writeStateFile(stateFile(home), state);
}

/** Nothing is supervised any more. */
export function forgetServerState(home: string): void {
  rmSync(stateFile(home), { force: true });
}

/** Nothing was started again where no supervisor ever wrote it. */
export function readServerState(home: string): ServerState {
  return readStateFile(stateFile(home), serverStateSchema) ?? NO_RESTARTS;
}
