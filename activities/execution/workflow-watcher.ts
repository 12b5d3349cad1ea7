import type { EndedWorkflow, WorkflowRef } from '../activity-types';

/** Tells how workflows end. */
export interface WorkflowWatcher {
  /**
   * Waits until the workflow has ended, over all runs that it goes on in.
   * @throws when `signal` aborts
   */
  outcome(workflow: WorkflowRef, signal: AbortSignal): Promise<EndedWorkflow>;
}
