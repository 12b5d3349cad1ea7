import type { WorkerDeploymentOptions, WorkerOptions } from '@temporalio/worker';
import { BadInputError } from '../contracts/errors';

/** A worker as Temporal's Worker Deployments know it: a fleet and the build that this machine runs. */
export interface DeploymentVersion {
  readonly deploymentName: string;
  readonly buildId: string;
}

const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;
/** As image tags are; Temporal joins name and build by a point. */
const BUILD = /^[A-Za-z0-9][A-Za-z0-9_.+-]{0,127}$/;

/**
 * Reads `SEAL_DEPLOYMENT` and `SEAL_BUILD_ID`: both, or neither.
 * @throws BadInputError naming the one that is missing or malformed
 */
export function readDeployment(env: NodeJS.ProcessEnv): DeploymentVersion | null {
  const { SEAL_DEPLOYMENT: deploymentName = '', SEAL_BUILD_ID: buildId = '' } = env;
  // An image names its build; only a deployment makes it a version that campaigns are bound to.
  if (deploymentName === '') return null;
  check('SEAL_DEPLOYMENT', deploymentName, NAME, 'letters, digits, _ and -, at most 63');
  check('SEAL_BUILD_ID', buildId, BUILD, 'the build that this worker runs, as letters, digits and _.+-, since SEAL_DEPLOYMENT is set');
  return { deploymentName, buildId };
}

function check(where: string, value: string, pattern: RegExp, expected: string): void {
  if (!pattern.test(value)) throw new BadInputError({ where, expected, got: value === '' ? 'nothing' : JSON.stringify(value) });
}

/**
 * A campaign stays with the build that began it, with all of its children and activities: its lineage names one code version,
 * and a result whose parts were computed by two would be nobody's (docs/adr/0024-fleet.md).
 */
const BEHAVIOUR = 'PINNED' satisfies NonNullable<WorkerDeploymentOptions['defaultVersioningBehavior']>;

export function deploymentOptions(version: DeploymentVersion | null): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (version === null) return {};
  return { workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: BEHAVIOUR } };
}
