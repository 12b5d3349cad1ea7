import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../campaign/errors';
import { secretsFingerprint, workerEnvironment } from '../../settings/worker-environment';
import type { OwnProcesses } from './own-process';
import { packageRoot } from './package-root';
import { WORKER, WORKER_CHILD, writeWorkerState } from './worker-state';

export interface WorkerOptions {
  readonly home: string;
  readonly processes: OwnProcesses;
  /** TEMPORAL_ADDRESS, S3_ENDPOINT, SEAL_HOME and the rest of the environment. */
  readonly env: NodeJS.ProcessEnv;
  /** What the worker serves; another one is started when it changes. */
  readonly servers: Readonly<Record<string, string>>;
  /** @default dist/workers/main.js */
  readonly script?: string;
}

/**
 * Sees to it that a supervised worker of the present build serves these servers.
 * @returns whether one had to be started
 * @throws BadInputError if the program is not built
 */
export async function ensureWorker({ home, processes, env, servers, script }: WorkerOptions): Promise<boolean> {
  const worker = script ?? join(packageRoot(), 'dist', 'workers', 'main.js');
  if (!existsSync(worker)) {
    throw new BadInputError({ where: worker, expected: 'the built worker (npm run build)', got: 'no such file' });
  }
  const purpose = JSON.stringify({ worker, built: builtAt(worker), servers, secrets: secretsFingerprint(env) });
  if (processes.running(WORKER)?.purpose === purpose) return false;
  await stopWorker(processes);
  writeWorkerState(home, { restarts: 0, lastExit: null });
  processes.launch({
    name: WORKER,
    command: process.execPath,
    args: [join(__dirname, 'worker-supervisor.js'), home, worker],
    env: { ...workerEnvironment(env), ...servers },
    purpose,
  });
  return true;
}

/** @returns whether one was running */
export async function stopWorker(processes: OwnProcesses): Promise<boolean> {
  const supervised = await processes.stop(WORKER);
  // Outlives its supervisor only if that was killed.
  const orphaned = await processes.stop(WORKER_CHILD);
  return supervised || orphaned;
}

/** tsc touches its build information whenever any output changes. */
function builtAt(worker: string): number {
  const buildInfo = join(packageRoot(), 'dist', '.tsbuildinfo');
  return statSync(existsSync(buildInfo) ? buildInfo : worker).mtimeMs;
}
