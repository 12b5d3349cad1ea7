import { patched, workflowInfo } from '@temporalio/workflow';
import type { CampaignTimings } from '../../contracts/campaign';

/**
 * Whether this run has as much history as a run should have, so that what is left belongs into a new one. Campaigns of the first
 * version knew one run only.
 */
export function isPageFull({ eventsPerRun }: CampaignTimings): boolean {
  const { historyLength, continueAsNewSuggested } = workflowInfo();
  const isFull = eventsPerRun === undefined ? continueAsNewSuggested : historyLength >= eventsPerRun;
  return isFull && patched('pages');
}
