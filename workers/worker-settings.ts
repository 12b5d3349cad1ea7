import { join, resolve } from 'node:path';
import { type TemporalSettings, temporalSettings } from '../connection/temporal-settings';
import { BadInputError } from '../contracts/errors';

/** Which task queues a process serves. */
const QUEUES = ['orchestration', 'compute'] as const;
export type QueueName = (typeof QUEUES)[number];

export interface WorkerSettings {
  readonly temporal: TemporalSettings;
  readonly queues: readonly QueueName[];
  /** Policies, adapters and bundles of this machine; everything in it can be made again. */
  readonly cacheDirectory: string;
}

/**
 * Reads where Temporal is (as `temporalSettings`), `SEAL_HOME` (default `./.seal`) and the flag `--queues orchestration,compute` (default both).
 *
 * @throws BadInputError naming the variable or flag; ServerUnreachableError where nothing says where Temporal is
 */
export function readWorkerSettings(env: NodeJS.ProcessEnv, args: readonly string[]): WorkerSettings {
  return {
    temporal: temporalSettings(env),
    queues: readQueues(args),
    cacheDirectory: join(resolve(env['SEAL_HOME'] ?? '.seal'), 'cache'),
  };
}

function readQueues(args: readonly string[]): readonly QueueName[] {
  const fail = (got: string): never => {
    throw new BadInputError({ where: '--queues', expected: `some of ${QUEUES.join(',')}`, got });
  };
  if (args.length === 0) return QUEUES;
  const [flag, list, ...rest] = args;
  if (flag !== '--queues' || list === undefined || rest.length > 0) return fail(args.join(' '));
  return list.split(',').map((name) => QUEUES.find((queue) => queue === name) ?? fail(name));
}
