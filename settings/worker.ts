import { join } from 'node:path';
import { BadInputError } from '../campaign/errors';
import { QUEUE_NAMES, type QueueName } from '../campaign/queues';
import { variable, wholeNumber } from './environment';
import { sealHome } from './home';
import { type TemporalSettings, temporalSettings } from './temporal';

/** A worker as Temporal's Worker Deployments know it: a fleet and the build that this machine runs. */
export interface DeploymentVersion {
  readonly deploymentName: string;
  readonly buildId: string;
}

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
    drainSeconds: wholeNumber(env, 'SEAL_DRAIN_SECONDS', { fallback: DRAIN_SECONDS, least: 1, most: 86_400 }),
    deployment: readDeployment(env),
    cacheDirectory: join(sealHome(env), 'cache'),
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

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
/** As image tags are; Temporal joins name and build by a point. */
const BUILD = /^[A-Za-z0-9][A-Za-z0-9_.+-]{0,127}$/;

/**
 * Reads `SEAL_DEPLOYMENT` and `SEAL_BUILD_ID`: both, or neither.
 * @throws BadInputError naming the one that is missing or malformed
 */
function readDeployment(env: NodeJS.ProcessEnv): DeploymentVersion | null {
  const deploymentName = variable(env, 'SEAL_DEPLOYMENT');
  // An image names its build; only a deployment makes it a version that campaigns are bound to.
  if (deploymentName === undefined) return null;
  return {
    deploymentName: checked('SEAL_DEPLOYMENT', deploymentName, NAME, 'letters, digits, _ and -, at most 63'),
    buildId: checked('SEAL_BUILD_ID', variable(env, 'SEAL_BUILD_ID'), BUILD, 'the build that this worker runs, as letters, digits and _.+-, since SEAL_DEPLOYMENT is set'),
  };
}

function checked(where: string, value: string | undefined, pattern: RegExp, expected: string): string {
  if (value !== undefined && pattern.test(value)) return value;
  throw new BadInputError({ where, expected, got: value === undefined ? 'nothing' : JSON.stringify(value) });
}
