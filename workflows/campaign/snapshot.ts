/** What is finished of a campaign: what a new run of it begins with. */
import type { PinnedCampaign } from '../../activities/activity-types';
import type { EpochSummary, EpochVersion, MethodScore, OperatorAction } from '../../contracts/campaign';
import type { Steering } from '../messages';
import type { ArchiveState } from '../record/history-archive';
import type { ClockReading } from './progress';

/** An epoch that has ended, its policy evaluated or about to be. */
export interface FinishedEpoch {
  readonly summary: EpochSummary;
  readonly versions: EpochVersion;
  /** Manifest keys of the adapters of theta after it. */
  readonly policyAdapters: readonly string[];
  /** Failed candidates that another attempt may help. */
  readonly retryable: number;
}

export interface CampaignSnapshot {
  readonly methods: readonly MethodScore[];
  readonly epochs: readonly FinishedEpoch[];
  /** How often `retry-failed` has changed the campaign. */
  readonly revision: number;
  readonly clock: ClockReading;
  readonly archive: ArchiveState;
  /**
   * Of a run that goes on in a new one: nobody began the campaign anew, so its inputs stay pinned and it stays as it was steered.
   * Absent where a campaign that had ended is begun again.
   */
  readonly carried?: {
    readonly campaign: PinnedCampaign;
    readonly steering: Steering;
    /** Epochs whose failed candidates shall be tried again, and who asked. */
    readonly retry?: { readonly action: OperatorAction; readonly epochs: readonly number[] };
  };
}
