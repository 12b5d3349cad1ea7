import type { CampaignProgress, CampaignState } from '../contracts/campaign';
import { NoWorkerError, type CampaignClient } from './campaign-client';

const ENDED: readonly CampaignState[] = ['completed', 'failed', 'cancelled'];

/** Whether nothing more will happen. */
export function hasEnded(state: CampaignState): boolean {
  return ENDED.includes(state);
}

/**
 * The progress a campaign's workflow tells, with the state the server knows where the workflow has ended.
 * @throws BadInputError for an unknown campaign, NoWorkerError where no worker answers
 */
export async function campaignStatus(campaigns: CampaignClient, campaignId: string): Promise<CampaignProgress> {
  const execution = await campaigns.execution(campaignId);
  const progress = await campaigns.progress(campaignId).catch((error: unknown) => {
    if (error instanceof NoWorkerError) throw error;
    throw new Error(`${campaignId} is ${execution.state}, and its progress cannot be read: ${String(error)}`, { cause: error });
  });
  return execution.closed ? { ...progress, state: execution.state, etaSeconds: null } : progress;
}

/** What `status --json` prints (contract), and the phase. */
export function statusDocument(progress: CampaignProgress): object {
  const { campaignId, state, epoch, candidates, etaSeconds, phase } = progress;
  return { campaignId, state, epoch, candidates, etaSeconds, phase };
}

export function statusText(progress: CampaignProgress): string {
  const { total, running, done, failed, rejected } = progress.candidates;
  const eta = progress.etaSeconds === null ? [] : [`left       about ${duration(progress.etaSeconds)}`];
  return [
    `campaign   ${progress.campaignId}`,
    `state      ${progress.state}${hasEnded(progress.state) ? '' : ` (${progress.phase})`}`,
    `epoch      ${progress.epoch}`,
    `candidates ${done} of ${total} done, ${running} running, ${rejected} rejected, ${failed} failed`,
    ...eta,
  ].join('\n');
}

/** Seconds as a person says them. */
export function duration(seconds: number): string {
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
