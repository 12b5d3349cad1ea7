import type { CampaignProgress } from '../campaign/campaign';
import { type CampaignClient } from './campaign-client';
import { failureOf } from './campaign-failures';
import type { Output } from './output';
import { watchCampaign } from './watch-campaign';

/** A campaign that ended otherwise than by completing. */
export class CampaignNotCompletedError extends Error {
  override readonly name = 'CampaignNotCompletedError';
  readonly code: 'CAMPAIGN_FAILED' | 'CAMPAIGN_CANCELLED';

  constructor(campaignId: string, state: 'failed' | 'cancelled', reason: string) {
    super(`${campaignId} ${state}: ${reason}`);
    this.code = state === 'failed' ? 'CAMPAIGN_FAILED' : 'CAMPAIGN_CANCELLED';
  }
}

/** Follows a campaign to its end. @throws CampaignNotCompletedError with the reason */
export async function waitForCampaign(campaigns: CampaignClient, campaignId: string, output: Output, signal: AbortSignal): Promise<CampaignProgress> {
  const progress = await watchCampaign(campaigns, campaignId, output, signal);
  if (progress.state !== 'failed' && progress.state !== 'cancelled') return progress;
  throw new CampaignNotCompletedError(campaignId, progress.state, await reasonOfEnd(campaigns, progress));
}

/** Why a campaign that has ended did not complete, in one line: of one that was terminated what was given as the reason. */
export function reasonOfEnd(campaigns: CampaignClient, { campaignId, state, phase }: CampaignProgress): Promise<string> {
  return campaigns.result(campaignId).then(() => (phase === state ? 'an operator ended it' : phase), failureOf);
}
