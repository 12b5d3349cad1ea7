import type { CampaignProgress, CampaignState } from '../campaign/campaign';
import { type CampaignClient } from './campaign-client';
import { NoWorkerError } from './campaign-failures';
import { duration } from './duration';
import type { WaitingActivities } from './waiting-activities';

const ENDED: readonly CampaignState[] = ['completed', 'failed', 'cancelled'];

/** Whether nothing more will happen. */
export function hasEnded(state: CampaignState): boolean {
  return ENDED.includes(state);
}

/**
 * The progress a campaign's workflow tells, with the state the server knows where the workflow has ended.
 * @throws BadInputError for an unknown campaign, NoWorkerError where it has not ended and no worker answers
 */
export async function campaignStatus(campaigns: CampaignClient, campaignId: string): Promise<CampaignProgress> {
  const { state, closed } = await campaigns.execution(campaignId);
  if (closed) return over({ ...(await lastProgress(campaigns, campaignId, state)), state });
  const progress = await campaigns.progress(campaignId);
  // What the workflow says has ended may still be open for a moment.
  return hasEnded(progress.state) ? over(progress) : progress;
}

function over(progress: CampaignProgress): CampaignProgress {
  return { ...progress, etaSeconds: null, candidates: { ...progress.candidates, running: 0 } };
}

/** What is left of an ended campaign where no worker can replay it: its result, if it has one. */
async function lastProgress(campaigns: CampaignClient, campaignId: string, state: CampaignState): Promise<CampaignProgress> {
  try {
    return await campaigns.progress(campaignId);
  } catch (error) {
    if (!(error instanceof NoWorkerError) || state !== 'completed') throw error;
  }
  return (await campaigns.result(campaignId)).progress;
}

/**
 * What `status --json` prints (contract), the phase, and in how many epochs all rewards of every context are equal.
 * @param reason why it did not complete. @default it did, or may yet
 */
export function statusDocument(progress: CampaignProgress, reason?: string): object {
  const { campaignId, state, epoch, candidates, etaSeconds, phase, tiedEpochs } = progress;
  return { campaignId, state, ...(reason === undefined ? {} : { reason }), epoch, candidates, etaSeconds, phase, ...(tiedEpochs !== undefined && { tiedEpochs }) };
}

/** @param reason as in `statusDocument` */
export function statusText(progress: CampaignProgress, reason?: string): string {
  const { total, running, done, failed, rejected } = progress.candidates;
  const eta = progress.etaSeconds === null ? [] : [`left       about ${duration(progress.etaSeconds)}`];
  return [
    `campaign   ${progress.campaignId}`,
    `state      ${progress.state}${hasEnded(progress.state) ? '' : ` (${progress.phase})`}`,
    ...(reason === undefined ? [] : [`reason     ${reason}`]),
    `epoch      ${progress.epoch}`,
    `candidates ${done} of ${total} done, ${running} running, ${rejected} rejected, ${failed} failed`,
    ...eta,
    ...(progress.tiedEpochs === undefined ? [] : [`tied       in ${progress.tiedEpochs} of the epochs all rewards of every context are equal: selection says nothing there`]),
  ].join('\n');
}

/** What holds a campaign up, beside the lines of `statusText`. */
export function waitingLine({ activity, workflows, attempts, failure, message }: WaitingActivities): string {
  return `waiting    ${activity} in ${workflows === 1 ? 'a workflow' : `${workflows} workflows`}, after ${attempts - 1} failed attempts: ${failure}: ${message}`;
}
