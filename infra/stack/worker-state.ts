import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { privately } from './private-files';

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
  const file = stateFile(home);
  privately(() => {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(`${file}.partial`, JSON.stringify(state));
    renameSync(`${file}.partial`, file);
  });
}

export function readWorkerState(home: string): WorkerState {
  return workerStateSchema.parse(JSON.parse(readFileSync(stateFile(home), 'utf8')));
}
