import { workflowInfo } from '@temporalio/workflow';
import type { CampaignTimings } from '../../contracts/campaign';

/**
 * Whether this run has as much history as a run should have, so that what is left belongs into a new one.
 */
export function shouldContinueAsNew({ eventsPerRun }: CampaignTimings): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  return eventsPerRun === undefined ? continueAsNewSuggested : historyLength >= eventsPerRun;
}
