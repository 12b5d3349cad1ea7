import type { CampaignInput, CampaignProgress, CampaignState, EpochSummary } from '../../campaign/campaign';
import type { Advance } from '../messages';

const NO_ADVANCE: Advance = { running: 0, done: 0, failed: 0, rejected: 0, phase: '' };

/** What a new run of the campaign must know of the time before it. */
export interface ClockReading {
  readonly wallSeconds: number;
  readonly pausedSeconds: number;
  readonly fineTunes: number;
  /** Fine-tunes that are planned beyond the campaign's file, since results of others count no more. Absent where there are none. */
  readonly fineTunesAgain?: number;
  readonly candidates: { readonly done: number; readonly failed: number; readonly rejected: number };
}

/**
 * Where a campaign is. Work is counted in fine-tunes, held-out ones included: their number is known from the start, they take
 * most of the time, and they are alike enough for a rate.
 */
export class CampaignClock {
  readonly #startedAtMs: number;
  readonly #repeats: number;
  /** Fine-tunes of a method's evaluation. */
  readonly #heldOutEach: number;
  readonly #plannedFineTunes: number;
  #fineTunesAgain: number;
  readonly #plannedCandidates: number;
  #fineTunesBefore: number;
  #candidatesBefore: { readonly done: number; readonly failed: number; readonly rejected: number };
  #current: { readonly advance: Advance; readonly fineTunesEach: number; readonly candidates: boolean } | null = null;
  #pausedSinceMs: number | null = null;
  #pausedMs: number;

  /** @param before what an earlier run's clock showed between two parts. @default a campaign that begins */
  constructor(input: CampaignInput, nowMs: number, evaluatedMethods: number, before?: ClockReading) {
    const { epochs, proposals, innerLoop, evaluation } = input.spec;
    this.#startedAtMs = nowMs - 1000 * (before?.wallSeconds ?? 0);
    this.#pausedMs = 1000 * (before?.pausedSeconds ?? 0);
    this.#fineTunesBefore = before?.fineTunes ?? 0;
    this.#fineTunesAgain = before?.fineTunesAgain ?? 0;
    this.#repeats = innerLoop.repeats;
    this.#candidatesBefore = before?.candidates ?? { done: 0, failed: 0, rejected: 0 };
    this.#plannedCandidates = epochs * input.contexts.train * proposals.k;
    // A passage-only arm has one fine-tune a context; counting it like the others is close enough for an ETA.
    this.#heldOutEach = input.contexts.heldOut * evaluation.selfEditsPerContext * evaluation.repeats;
    this.#plannedFineTunes = this.#plannedCandidates * innerLoop.repeats + evaluatedMethods * this.#heldOutEach;
  }

  /** An epoch (its parts are candidates) or an evaluation begins. */
  begin(part: { readonly candidates: boolean; readonly fineTunesEach: number }): void {
    this.#current = { ...part, advance: NO_ADVANCE };
  }

  advance(advance: Advance): void {
    if (this.#current !== null) this.#current = { ...this.#current, advance };
  }

  /** The part that began has ended with these counts. */
  end(planned: number, counts?: { readonly failed: number; readonly rejected: number }): void {
    const current = this.#current;
    if (current === null) return;
    this.#fineTunesBefore += planned * current.fineTunesEach;
    if (current.candidates && counts !== undefined) {
      const { done, failed, rejected } = this.#candidatesBefore;
      this.#candidatesBefore = {
        done: done + planned - counts.failed - counts.rejected,
        failed: failed + counts.failed,
        rejected: rejected + counts.rejected,
      };
    }
    this.#current = null;
  }

  /** The running part was stopped: what it finished stays counted, nothing of it runs any more. */
  halt(): void {
    if (this.#current !== null) this.advance({ ...this.#current.advance, running: 0, phase: '' });
  }

  /** Candidates of an epoch whose results count no more will be counted again. */
  forget({ proposed, failed, rejected }: Pick<EpochSummary, 'proposed' | 'failed' | 'rejected'>): void {
    const before = this.#candidatesBefore;
    this.#candidatesBefore = {
      done: before.done - (proposed - failed - rejected),
      failed: before.failed - failed,
      rejected: before.rejected - rejected,
    };
  }

  /** Candidates of epochs are computed once more, and so forgotten, and methods are evaluated once more. */
  again(candidates: Pick<EpochSummary, 'proposed' | 'failed' | 'rejected'>, methods: number): void {
    this.forget(candidates);
    this.#fineTunesAgain += candidates.proposed * this.#repeats + methods * this.#heldOutEach;
  }

  reading(nowMs: number): ClockReading {
    return {
      wallSeconds: this.wallSeconds(nowMs),
      pausedSeconds: (this.#pausedMs + (this.#pausedSinceMs === null ? 0 : nowMs - this.#pausedSinceMs)) / 1000,
      fineTunes: this.#fineTunesBefore,
      ...(this.#fineTunesAgain > 0 && { fineTunesAgain: this.#fineTunesAgain }),
      candidates: this.#candidatesBefore,
    };
  }

  pause(nowMs: number): void {
    this.#pausedSinceMs ??= nowMs;
  }

  resume(nowMs: number): void {
    if (this.#pausedSinceMs !== null) this.#pausedMs += nowMs - this.#pausedSinceMs;
    this.#pausedSinceMs = null;
  }

  wallSeconds(nowMs: number): number {
    return (nowMs - this.#startedAtMs) / 1000;
  }

  candidates(): CampaignProgress['candidates'] {
    const { done, failed, rejected } = this.#candidatesBefore;
    const now = this.#current?.candidates === true ? this.#current.advance : NO_ADVANCE;
    return {
      total: this.#plannedCandidates,
      running: now.running,
      done: done + now.done,
      failed: failed + now.failed,
      rejected: rejected + now.rejected,
    };
  }

  /** Null until something finished, and while failed candidates are tried again: what comes after depends on their rewards. */
  etaSeconds(nowMs: number): number | null {
    if (this.#current?.fineTunesEach === 0) return null;
    const { advance, fineTunesEach } = this.#current ?? { advance: NO_ADVANCE, fineTunesEach: 0 };
    const finished = this.#fineTunesBefore + (advance.done + advance.failed + advance.rejected) * fineTunesEach;
    if (finished === 0) return null;
    const pausedMs = this.#pausedMs + (this.#pausedSinceMs === null ? 0 : nowMs - this.#pausedSinceMs);
    const activeSeconds = (nowMs - this.#startedAtMs - pausedMs) / 1000;
    return Math.max(0, (activeSeconds / finished) * (this.#plannedFineTunes + this.#fineTunesAgain - finished));
  }

  /** What the running part says of itself. */
  get phase(): string {
    return this.#current?.advance.phase ?? '';
  }
}

export interface Standing {
  readonly campaignId: string;
  readonly state: CampaignState;
  readonly epoch: number;
  readonly phase: string;
  readonly reportKey: string | null;
  readonly tiedEpochs: number;
}

export function describeProgress(standing: Standing, clock: CampaignClock, nowMs: number): CampaignProgress {
  const { campaignId, state, epoch, phase, reportKey, tiedEpochs } = standing;
  const over = state === 'completed' || state === 'failed' || state === 'cancelled';
  return {
    campaignId,
    state,
    epoch,
    candidates: clock.candidates(),
    phase: clock.phase === '' ? phase : clock.phase,
    etaSeconds: over ? 0 : clock.etaSeconds(nowMs),
    ...(tiedEpochs > 0 && { tiedEpochs }),
    ...(reportKey === null ? {} : { report: { key: reportKey } }),
    wallSeconds: clock.wallSeconds(nowMs),
  };
}
