import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import { campaignMessages, type CampaignProgress, type OperatorAction } from '../campaign/campaign';
import type { MemberResult } from './fan-out/adapt-group';

export const progressQuery = defineQuery<CampaignProgress>(campaignMessages.progressQuery);

/** Every operator action is an Update with who and why; it answers with the progress after it took effect. */
export const pauseUpdate = defineUpdate<CampaignProgress, [OperatorAction]>(campaignMessages.pauseUpdate);
export const resumeUpdate = defineUpdate<CampaignProgress, [OperatorAction]>(campaignMessages.resumeUpdate);
export const cancelUpdate = defineUpdate<CampaignProgress, [OperatorAction]>(campaignMessages.cancelUpdate);
export const setConcurrencyUpdate = defineUpdate<CampaignProgress, [OperatorAction & { readonly candidates: number }]>(
  campaignMessages.setConcurrencyUpdate,
);
/** Candidates that failed are tried again; of a campaign that has ended, it starts the campaign again for that. */
export const retryFailedUpdate = defineUpdate<CampaignProgress, [OperatorAction]>(campaignMessages.retryFailedUpdate);

/** What a campaign tells the epoch or evaluation that it runs. */
export interface Steering {
  readonly paused: boolean;
  /** Candidates at once. */
  readonly candidates: number;
}
export const steerSignal = defineSignal<[Steering]>('steer');
/** An epoch whose candidates are under way tries the failed ones again before it selects. Carries the request's number, from 1. */
export const retryFailedSignal = defineSignal<[number]>('retryFailed');

/** What an epoch or evaluation tells its campaign now and then: totals of its own so far. */
export interface Advance {
  readonly running: number;
  readonly done: number;
  readonly failed: number;
  readonly rejected: number;
  readonly phase: string;
}
export const advanceSignal = defineSignal<[Advance]>('advance');

/** What a group tells each of its candidates that can be trained on. */
export const memberResultSignal = defineSignal<[MemberResult]>('memberResult');
