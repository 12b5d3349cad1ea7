/** How far a campaign is: what a new run of it begins with. Its size depends neither on epochs nor on contexts. */
import type { PinnedCampaign } from '../../activities/activity-types';
import type { EpochVersion, OperatorAction } from '../../campaign/campaign';
import type { Steering } from '../messages';
import type { ArchiveState } from '../record/history-archive';
import type { ClockReading } from './progress';

/** What the finished stages have come to. */
export interface Finished {
  /** How many stages of the campaign's list. */
  readonly stages: number;
  /** The last epoch's; null before the first has ended. */
  readonly epoch: EpochVersion | null;
  /** Manifest key of the policy; null: the base. */
  readonly policy: string | null;
  /** Failed candidates that another attempt may help. */
  readonly retryable: number;
  /** Epochs in which all rewards of every context are equal. */
  readonly tiedEpochs: number;
  /** How often `retry-failed` has changed the campaign. */
  readonly revision: number;
}

export const NOTHING_FINISHED: Finished = { stages: 0, epoch: null, policy: null, retryable: 0, tiedEpochs: 0, revision: 0 };

/** Epochs `from`..`to` whose failed candidates shall be tried again, and who asked. */
export interface EpochsToRetry {
  readonly action: OperatorAction;
  readonly from: number;
  readonly to: number;
}

export interface CampaignSnapshot {
  readonly finished: Finished;
  readonly clock: ClockReading;
  readonly archive: ArchiveState;
  /**
   * Of a run that goes on in a new one: nobody began the campaign anew, so its inputs stay pinned and it stays as it was steered.
   * Absent where a campaign that had ended is begun again.
   */
  readonly carried?: {
    readonly campaign: PinnedCampaign;
    readonly steering: Steering;
    readonly retry?: EpochsToRetry;
  };
}
