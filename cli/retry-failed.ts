import { type CampaignInput, type CampaignState, type OperatorAction } from '../campaign/campaign';
import { BadInputError } from '../campaign/errors';
import { readInput } from '../record/documents/campaign';
import { openStoreFromEnvironment } from '../storage/open-store';
import type { CampaignClient } from './campaign-client';
import type { ActionEffect } from './operator';

/**
 * Has what failed of a campaign tried again: of one that runs, candidates that have failed so far, and of its running epoch those that fail
 * later; of one that has ended, those of its epochs, or the part that made it fail.
 *
 * @throws BadInputError where a campaign that has ended has nothing to try again, or nothing to begin with
 */
export async function retryFailed(campaigns: CampaignClient, campaignId: string, action: OperatorAction): Promise<ActionEffect> {
  const { state, closed } = await campaigns.execution(campaignId);
  if (!closed) {
    const { candidates } = await campaigns.act(campaignId, 'retryFailed', action);
    return { said: retriedWhileRunning(candidates.failed), document: { failedCandidates: candidates.failed } };
  }
  const refuse = (got: string): BadInputError =>
    new BadInputError({ where: campaignId, expected: 'a campaign of which something failed that another attempt may help', got });
  if (state === 'cancelled') throw refuse('one that was cancelled ("seal start" with its file and --id goes on with it)');
  const snapshot = (await campaigns.remains(campaignId))?.snapshot;
  if (snapshot === undefined) throw refuse('one that left no result ("seal start" with its file and --id goes on with it)');
  const failed = snapshot.finished.retryable;
  if (state === 'completed' && failed === 0) throw refuse('one without such a candidate');
  await campaigns.retryEnded(await pinnedInput(campaignId), snapshot, action);
  return { said: retriedAfterItsEnd(state, failed), document: { failedCandidates: failed } };
}

/** @param failed candidates, as far as the campaign has heard; some of them may be beyond help */
export function retriedWhileRunning(failed: number): string {
  const later = 'those of an epoch that runs now are tried again too if they fail later';
  if (failed === 0) return `no candidate is known to have failed so far; ${later}`;
  return `${failed === 1 ? '1 candidate has' : `${failed} candidates have`} failed so far, tried again where another attempt may help; ${later}`;
}

/** @param failed candidates of finished epochs that another attempt may help */
export function retriedAfterItsEnd(state: CampaignState, failed: number): string {
  const candidates = `trying ${failed === 1 ? '1 failed candidate' : `${failed} failed candidates`} again`;
  if (state === 'completed') return candidates;
  return `going on with the part that failed${failed === 0 ? '' : `, and ${candidates}`}`;
}

async function pinnedInput(campaignId: string): Promise<CampaignInput> {
  const store = await openStoreFromEnvironment();
  try {
    return await readInput(store, campaignId);
  } finally {
    store.close();
  }
}
