/** What is finished of a campaign, in the versions that count, and what a retry of failed candidates makes of it. */
import type { RevisionTask } from '../../activities/activity-types';
import { epochInVersion, type EpochVersion, type MethodScore } from '../../contracts/campaign';
import type { EpochResult } from '../epoch';
import type { CampaignSnapshot, FinishedEpoch } from './snapshot';

/** An epoch with failed candidates that shall be tried again. */
export interface EpochToRetry {
  readonly at: number;
  readonly epoch: FinishedEpoch;
  /** Manifest keys of the adapters that it began with. */
  readonly policyBefore: readonly string[];
}

/** What a campaign becomes by an epoch that was tried again. */
export interface Revision {
  readonly epochs: readonly FinishedEpoch[];
  readonly methods: readonly MethodScore[];
  /** Epochs that count no more. */
  readonly stale: readonly FinishedEpoch[];
  readonly record: Omit<RevisionTask, 'campaign' | 'action'>;
}

export class FinishedParts {
  #methods: readonly MethodScore[];
  #epochs: readonly FinishedEpoch[];
  #revision: number;

  /** @param before what an earlier run had finished. @default nothing */
  constructor(before?: Pick<CampaignSnapshot, 'methods' | 'epochs' | 'revision'>) {
    this.#methods = before?.methods ?? [];
    this.#epochs = before?.epochs ?? [];
    this.#revision = before?.revision ?? 0;
  }

  get methods(): readonly MethodScore[] {
    return this.#methods;
  }

  get epochs(): readonly FinishedEpoch[] {
    return this.#epochs;
  }

  /** How often a retry has changed the campaign. */
  get revision(): number {
    return this.#revision;
  }

  /** Manifest keys of the adapters of theta as it stands. */
  get policyAdapters(): readonly string[] {
    return this.#epochs.at(-1)?.policyAdapters ?? [];
  }

  has(method: string): boolean {
    return this.#methods.some(({ name }) => name === method);
  }

  addMethod(score: MethodScore): void {
    this.#methods = [...this.#methods, score];
  }

  addEpoch(epoch: FinishedEpoch): void {
    this.#epochs = [...this.#epochs, epoch];
  }

  /** What the next epoch makes. */
  nextEpoch(): EpochVersion {
    return epochInVersion(this.#epochs.length + 1, this.#revision + 1);
  }

  /** The last epoch, where its policy has no held-out score. */
  get unevaluated(): FinishedEpoch | null {
    const last = this.#epochs.at(-1);
    return last === undefined || this.has(sealMethod(last.summary.epoch)) ? null : last;
  }

  /** Numbers of the epochs with failed candidates that another attempt may help. */
  get withFailed(): number[] {
    return this.#epochs.filter(({ retryable }) => retryable > 0).map(({ summary: { epoch } }) => epoch);
  }

  /** The first of `epochs` that has such candidates. */
  toRetry(epochs: ReadonlySet<number>): EpochToRetry | null {
    const at = this.#epochs.findIndex(({ summary, retryable }) => retryable > 0 && epochs.has(summary.epoch));
    const epoch = this.#epochs[at];
    return epoch === undefined ? null : { at, epoch, policyBefore: this.#epochs[at - 1]?.policyAdapters ?? [] };
  }

  /** Of the selection and the policy that a retry makes; the candidates stay what they are. */
  get retryVersion(): number {
    return this.#revision + 2;
  }

  /**
   * What `accept` makes of the campaign. Where selection keeps what it kept, the epoch's policy and all that followed stand; else every
   * later epoch began with a policy that is no more.
   * @param planned epochs of the campaign
   */
  revisedBy({ at, epoch: before }: EpochToRetry, { summary, policyAdapters, retryable }: EpochResult, planned: number): Revision {
    const version = this.retryVersion;
    const changed = policyAdapters !== null;
    const versions = { ...before.versions, selection: version, policy: changed ? version : before.versions.policy };
    const tried: FinishedEpoch = { summary, versions, policyAdapters: policyAdapters ?? before.policyAdapters, retryable };
    const earlier = this.#epochs.slice(0, at);
    const later = this.#epochs.slice(at + 1);
    const epochs = changed ? [...earlier, tried] : [...earlier, tried, ...later];
    const stale = changed ? later : [];
    const staleMethods = new Set(changed ? [tried, ...later].map((one) => sealMethod(one.summary.epoch)) : []);
    return {
      epochs,
      methods: this.#methods.filter(({ name }) => !staleMethods.has(name)),
      stale,
      record: {
        revision: this.#revision + 1,
        retried: { epoch: summary.epoch, candidates: before.retryable },
        changed,
        versions: [...epochs.map((one) => one.versions), ...Array.from({ length: planned - epochs.length }, (_, i) => epochInVersion(epochs.length + i + 1, version))],
        stale: stale.map((one) => one.summary.epoch),
      },
    };
  }

  accept({ epochs, methods, record: { revision } }: Revision): void {
    this.#epochs = epochs;
    this.#methods = methods;
    this.#revision = revision;
  }
}

/** The method's name in the report. */
export function sealMethod(epoch: number): string {
  return `seal-epoch-${epoch}`;
}
