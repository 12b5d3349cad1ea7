import { join, resolve } from 'node:path';
import { type TemporalSettings, temporalSettings } from '../connection/temporal-settings';
import { BadInputError } from '../contracts/errors';
import { QUEUE_NAMES, type QueueName } from '../contracts/queues';
import { type DeploymentVersion, readDeployment } from './deployment';

export interface WorkerSettings {
  readonly temporal: TemporalSettings;
  readonly queues: readonly QueueName[];
  /** Whether `queues` was asked for, so that each of them must be servable here. */
  readonly queuesNamed: boolean;
  /** Seconds that running computations have to end by themselves once the process is asked to end. */
  readonly drainSeconds: number;
  /** Null: workflows are taken whatever version of the code began them. */
  readonly deployment: DeploymentVersion | null;
  /** Policies, adapters and bundles of this machine; everything in it can be made again. */
  readonly cacheDirectory: string;
}

/** On one machine whoever stops a worker waits for it, and what was cut off is begun again from its last checkpoint. */
export const DRAIN_SECONDS = 1;

/**
 * Reads where Temporal is (as `temporalSettings`), `SEAL_HOME` (default `./.seal`), `SEAL_DRAIN_SECONDS` (default 1),
 * `SEAL_DEPLOYMENT` with `SEAL_BUILD_ID` (default unversioned) and the flag `--queues orchestration,bookkeeping,compute` (default all).
 *
 * @throws BadInputError naming the variable or flag; ServerUnreachableError where nothing says where Temporal is
 */
export function readWorkerSettings(env: NodeJS.ProcessEnv, args: readonly string[]): WorkerSettings {
  return {
    temporal: temporalSettings(env),
    ...readQueues(args),
    drainSeconds: readDrainSeconds(env),
    deployment: readDeployment(env),
    cacheDirectory: join(resolve(env['SEAL_HOME'] ?? '.seal'), 'cache'),
  };
}

function readQueues(args: readonly string[]): Pick<WorkerSettings, 'queues' | 'queuesNamed'> {
  const fail = (got: string): never => {
    throw new BadInputError({ where: '--queues', expected: `some of ${QUEUE_NAMES.join(',')}`, got });
  };
  if (args.length === 0) return { queues: QUEUE_NAMES, queuesNamed: false };
  const [flag, list, ...rest] = args;
  if (flag !== '--queues' || list === undefined || rest.length > 0) return fail(args.join(' '));
  const queues = list.split(',').map((name) => QUEUE_NAMES.find((queue) => queue === name) ?? fail(JSON.stringify(name)));
  return { queues: [...new Set(queues)], queuesNamed: true };
}

function readDrainSeconds(env: NodeJS.ProcessEnv): number {
  const text = env['SEAL_DRAIN_SECONDS'];
  if (text === undefined || text === '') return DRAIN_SECONDS;
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 86_400) {
    throw new BadInputError({ where: 'SEAL_DRAIN_SECONDS', expected: 'a whole number from 1 to 86400', got: JSON.stringify(text) });
  }
  return seconds;
}
