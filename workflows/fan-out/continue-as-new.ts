import { CancellationScope, continueAsNew, type Workflow, workflowInfo } from '@temporalio/workflow';
import type { CampaignTimings } from '../../campaign/campaign';

/** Whether this run has as much history as a run should have, so that what is left belongs into a new one. */
export function shouldContinueAsNew({ eventsPerRun }: CampaignTimings): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return eventsPerRun === undefined ? continueAsNewSuggested : historyLength >= eventsPerRun;
}

/**
 * Goes on in a new run. A cancellation that has been requested ends this one instead: the new run would not hear of it.
 * @throws CancelledFailure, or what ends the run
 */
export async function continueUnlessCancelled<Fn extends Workflow>(...args: Parameters<Fn>): Promise<never> {
  const scope = CancellationScope.current();
  if (scope.consideredCancelled) await scope.cancelRequested;
  return continueAsNew<Fn>(...args);
}
