import { fileOf, getJson } from '../activities/stored/stored-json';
import { type CampaignInput, manifestKeys, type OperatorAction } from '../contracts/campaign';
import { BadInputError } from '../contracts/errors';
import { openStoreFromEnvironment } from '../storage/open-store';
import type { CampaignClient } from './campaign-client';

/**
 * Has what failed of a campaign tried again: of one that runs, candidates that have failed so far; of one that has ended, those of its
 * epochs, or the part that made it fail.
 *
 * @throws BadInputError where there is nothing to try again, or nothing to begin with
 */
export async function retryFailed(campaigns: CampaignClient, campaignId: string, action: OperatorAction): Promise<void> {
  const { state, closed } = await campaigns.execution(campaignId);
  if (!closed) return campaigns.act(campaignId, 'retryFailed', action);
  const refuse = (got: string): BadInputError =>
    new BadInputError({ where: campaignId, expected: 'a campaign of which something failed that another attempt may help', got });
  if (state === 'cancelled') throw refuse('one that was cancelled ("seal start" with its file and --id goes on with it)');
  const snapshot = (await campaigns.remains(campaignId))?.snapshot;
  if (snapshot === undefined) throw refuse('one that left no result ("seal start" with its file and --id goes on with it)');
  if (state === 'completed' && snapshot.epochs.every(({ retryable }) => retryable === 0)) throw refuse('one without such a candidate');
  await campaigns.retryEnded(await pinnedInput(campaignId), snapshot, action);
}

async function pinnedInput(campaignId: string): Promise<CampaignInput> {
  const store = await openStoreFromEnvironment();
  try {
    const key = manifestKeys.campaign(campaignId);
    return await getJson<CampaignInput>(store, fileOf(key, await store.readManifest(key), 'input.json'));
  } finally {
    store.close();
  }
}
