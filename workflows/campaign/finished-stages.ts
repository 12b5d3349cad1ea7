/** What the finished stages of a campaign have come to, and what a retry of failed candidates makes of it. */
import type { FailedEpoch, Superseded } from '../../activities/activity-types';
import { epochInVersion, type EpochVersion } from '../../campaign/campaign';
import { type Stage, stagesUntil } from '../../seal/algorithm/stages';
import { isTied } from '../../seal/report-data';
import type { EpochResult } from '../epoch';
import { type Finished, NOTHING_FINISHED } from './snapshot';

export class FinishedStages {
  readonly #stages: readonly Stage[];
  #finished: Finished;

  /** @param before what an earlier run had finished. @default nothing */
  constructor(stages: readonly Stage[], before: Finished = NOTHING_FINISHED) {
    this.#stages = stages;
    this.#finished = before;
  }

  get state(): Finished {
    return this.#finished;
  }

  /** What comes next; undefined after the last. */
  get next(): Stage | undefined {
    return this.#stages[this.#finished.stages];
  }

  /** Number of the last epoch that has ended; 0 before the first. */
  get epoch(): number {
    return this.#finished.epoch?.epoch ?? 0;
  }

  get policy(): string | null {
    return this.#finished.policy;
  }

  get revision(): number {
    return this.#finished.revision;
  }

  /** What an epoch makes that is run now. */
  versionsOf(epoch: number): EpochVersion {
    return epochInVersion(epoch, this.#finished.revision + 1);
  }

  /** Version of the policy that is evaluated after this epoch; baselines have one. */
  evaluatedVersion(epoch: number): number {
    return epoch === 0 ? 1 : (this.#finished.epoch?.policy ?? 1);
  }

  /** What a retry of this epoch makes: another choice and policy; the candidates stay what they are. */
  retriedVersions(versions: EpochVersion): EpochVersion {
    const version = this.#finished.revision + 2;
    return { ...versions, selection: version, policy: version };
  }

  evaluated(): void {
    this.#finished = { ...this.#finished, stages: this.#finished.stages + 1 };
  }

  epochEnded(versions: EpochVersion, { policy, summary, retryable }: EpochResult): void {
    const { stages, retryable: before, tiedEpochs } = this.#finished;
    this.#finished = { ...this.#finished, stages: stages + 1, epoch: versions, policy, retryable: before + retryable, tiedEpochs: tiedEpochs + Number(isTied(summary)) };
  }

  /**
   * An epoch's failed candidates were tried again. Where selection keeps what it kept, the epoch's policy and all that followed stand; else
   * every later epoch began with a policy that is no more: the campaign goes on behind this one.
   * @returns how many methods are evaluated once more
   */
  retried(before: FailedEpoch, result: EpochResult, superseded: Superseded): number {
    const finished = this.#finished;
    const { epoch } = before.versions;
    const tried = this.retriedVersions(before.versions);
    const counts = {
      retryable: finished.retryable - before.retryable + result.retryable - superseded.retryable,
      tiedEpochs: finished.tiedEpochs - Number(isTied(before.summary)) + Number(isTied(result.summary)) - superseded.tied,
      revision: finished.revision + 1,
    };
    if (result.isAsBefore) {
      const versions = this.epoch === epoch ? { ...before.versions, selection: tried.selection } : finished.epoch;
      this.#finished = { ...finished, ...counts, epoch: versions };
      return 0;
    }
    const stages = stagesUntil(this.#stages, epoch);
    const stale = this.#stages.slice(stages, finished.stages).filter(({ kind }) => kind === 'evaluate').length;
    this.#finished = { ...counts, stages, epoch: tried, policy: result.policy };
    return stale;
  }
}
