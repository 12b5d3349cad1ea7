import { join } from 'node:path';
import { z } from 'zod';
import { readStateFile, writeStateFile } from './state-file';

/** Names of pid files: the supervisor, whose log is the worker's too, and the worker that it runs. */
export const WORKER = 'worker';
export const WORKER_CHILD = 'worker-child';

const workerStateSchema = z.strictObject({
  /** Since the supervisor was started. */
  restarts: z.number().int().nonnegative(),
  /** How the worker last ended: `exit 1`, `SIGKILL`, `SIGKILL after 60 s without a sign of life`. */
  lastExit: z.string().nullable(),
});
export type WorkerState = z.infer<typeof workerStateSchema>;

const stateFile = (home: string): string => join(home, 'run', 'worker-state.json');

export function writeWorkerState(home: string, state: WorkerState): void {
  writeStateFile(stateFile(home), state);
}

/** Never started again where nothing can be read. */
export function readWorkerState(home: string): WorkerState {
  return readStateFile(stateFile(home), workerStateSchema) ?? { restarts: 0, lastExit: null };
}
