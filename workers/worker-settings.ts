import { join, resolve } from 'node:path';
import { NAMESPACE } from '../contracts/campaign';
import { BadInputError } from '../contracts/errors';

/** Which task queues a process serves. */
const QUEUES = ['orchestration', 'compute'] as const;
export type QueueName = (typeof QUEUES)[number];

export interface WorkerSettings {
  /** host:port of Temporal. */
  readonly address: string;
  readonly namespace: string;
  readonly queues: readonly QueueName[];
  /** Policies, adapters and bundles of this machine; everything in it can be made again. */
  readonly cacheDirectory: string;
}

/**
 * Reads `TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE` (default `seal`), `SEAL_HOME` (default `./.seal`) and the flag
 * `--queues orchestration,compute` (default both).
 *
 * @throws BadInputError naming the variable or flag
 */
export function readWorkerSettings(env: NodeJS.ProcessEnv, args: readonly string[]): WorkerSettings {
  const address = env['TEMPORAL_ADDRESS'];
  if (address === undefined || address === '') {
    throw new BadInputError({ where: 'TEMPORAL_ADDRESS', expected: 'host:port of a Temporal server ("seal up" starts one with a worker)', got: 'nothing' });
  }
  return {
    address,
    namespace: env['TEMPORAL_NAMESPACE'] ?? NAMESPACE,
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
