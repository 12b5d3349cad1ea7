import type { WorkerDeploymentOptions, WorkerOptions } from '@temporalio/worker';
import type { DeploymentVersion } from '../settings/worker';

/**
 * A campaign stays with the build that began it, with all of its children and activities: its lineage names one code version,
 * and a result whose parts were computed by two would be nobody's (docs/adr/0024-fleet.md).
 */
const BEHAVIOUR = 'PINNED' satisfies NonNullable<WorkerDeploymentOptions['defaultVersioningBehavior']>;

export function deploymentOptions(version: DeploymentVersion | null): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (version === null) return {};
  return { workerDeploymentOptions: { version, useWorkerVersioning: true, defaultVersioningBehavior: BEHAVIOUR } };
}
