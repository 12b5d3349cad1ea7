/**
 * One epoch of ReST-EM, durably: `seal/algorithm/rest-em.ts` is what it runs; here is how each step is started, waited for and kept.
 * Source: paper, "RL Optimization".
 */
import { continueAsNew } from '@temporalio/workflow';
import type { AdaptationScope, CandidateSummary, PinnedCampaign } from '../activities/activity-types';
import type { ArtifactRef } from '../contracts/artifacts';
import { type ContextRef, epochInVersion, type EpochSummary, type EpochVersion, scopes } from '../contracts/campaign';
import type { CampaignSpec } from '../contracts/campaign-spec';
import { restEmEpoch, type RestEmHooks } from '../seal/algorithm/rest-em';
import { epochSummary } from '../seal/report-data';
import { selectSelfEdits, unadaptedRewardOf } from '../seal/selection';
import { CandidateWindow, retryable, type WindowState } from './fan-out/candidate-window';
import { ChildProgress, listenForSteering, RetryRequest } from './fan-out/child-progress';
import { contextsPerChunk, propose } from './fan-out/proposing';
import { UNADAPTED_CONTEXTS_PER_CHUNK, unadaptedScores } from './fan-out/unadapted';
import type { Advance, Steering } from './messages';
import { HistoryArchive } from './record/history-archive';
import { type ActivitySettings, bookkeepingActivities, computeActivities } from './work/activity-options';

export interface EpochInput {
  readonly campaign: PinnedCampaign;
  /** From 1. */
  readonly epoch: number;
  /** What is made here. @default all 1 */
  readonly versions?: EpochVersion;
  /** An epoch that has ended: only its failed candidates are tried again, and selection is made anew. @default all candidates */
  readonly retryOf?: EpochVersion;
  /** Manifest keys of theta_{epoch-1}'s adapters. */
  readonly policyAdapters: readonly string[];
  readonly contexts: readonly ContextRef[];
  readonly spec: Pick<CampaignSpec, 'proposals' | 'reward' | 'selection' | 'concurrency'> & { readonly repeats: number };
  readonly settings: ActivitySettings;
  readonly steering: Steering;
  /** Where an earlier run of this epoch was. @default at the beginning */
  readonly resumed?: EpochState;
}

/** What the fan-out begins with. */
interface SelfEdits {
  readonly proposals: ArtifactRef;
  /** The unadapted policy's mean score on each context, where selection or rewards compare with it. */
  readonly unadapted: readonly number[];
  /** Positions kept before; only of an epoch that is tried again. */
  readonly keptBefore?: readonly number[];
}

/** What is known once the candidates' fan-out has begun. */
interface EpochState {
  readonly selfEdits: SelfEdits;
  readonly window: WindowState;
  /** Failed candidates have been waiting again. */
  readonly hasRetried: boolean;
  readonly isRetryRequested: boolean;
  readonly archivedPages: number;
  readonly counts: Advance;
}

export interface EpochResult {
  readonly summary: EpochSummary;
  /** Manifest keys of theta_epoch's adapters; those of theta_{epoch-1} when nothing was kept; null: those from before the retry. */
  readonly policyAdapters: readonly string[] | null;
  /** Failed candidates that another attempt may help. */
  readonly retryable: number;
  /** An operator's request that failed candidates be tried again came in time. */
  readonly hasRetried: boolean;
}

export function epochWorkflow(input: EpochInput): Promise<EpochResult> {
  return restEmEpoch(input.contexts, new DurableEpoch(input));
}

interface Scored {
  readonly outcomes: readonly CandidateSummary[];
  readonly hasRetried: boolean;
}

interface Kept extends Scored {
  readonly positions: readonly number[];
}

/** The steps of an epoch as activities and child workflows. What an earlier run has finished is answered from its state. */
class DurableEpoch implements RestEmHooks<ContextRef, SelfEdits, Scored, Kept, EpochResult> {
  readonly #input: EpochInput;
  readonly #versions: EpochVersion;
  readonly #resumed: EpochState | undefined;
  readonly #steering: () => Steering;
  readonly #retry: RetryRequest;
  readonly #progress: ChildProgress;
  readonly #base: Omit<AdaptationScope, 'rows' | 'perContext'>;
  /** What the fan-out begins with: all candidates, or the failed ones of the epoch that is tried again. */
  #window: WindowState;

  constructor(input: EpochInput) {
    const { campaign, epoch, contexts, spec, policyAdapters, resumed, versions = epochInVersion(input.epoch) } = input;
    this.#input = input;
    this.#versions = versions;
    this.#resumed = resumed;
    this.#steering = listenForSteering(input.steering);
    this.#retry = new RetryRequest(resumed?.isRetryRequested);
    const count = contexts.length * spec.proposals.k;
    this.#progress = new ChildProgress(count, resumed?.counts);
    this.#base = { campaign, scope: scopes.epoch(epoch, versions.candidates), split: 'train', policyAdapters };
    this.#window = resumed?.window ?? { outcomes: [], waiting: Array.from({ length: count }, (_, position) => position), underWay: [] };
  }

  async propose(contexts: readonly ContextRef[]): Promise<SelfEdits> {
    if (this.#resumed !== undefined) return this.#resumed.selfEdits;
    const { epoch, spec, settings, retryOf } = this.#input;
    const { k, source } = spec.proposals;
    if (retryOf === undefined) {
      this.#progress.phase(`epoch ${epoch}: proposals`);
      const proposals = await propose({ ...this.#base, source, perContext: k, contextsPerChunk: contextsPerChunk(k) }, contexts.length, settings);
      return { proposals, unadapted: await this.#unadapted() };
    }
    const { proposals, outcomes, kept } = await bookkeepingActivities(settings).readOutcomes({ campaign: this.#base.campaign, versions: retryOf, perContext: k });
    this.#window = { outcomes, waiting: retryable(outcomes), underWay: [] };
    return { proposals, unadapted: await this.#unadapted(), keptBefore: kept };
  }

  async score(selfEdits: SelfEdits): Promise<Scored> {
    const { epoch, contexts, spec, settings } = this.#input;
    const { campaign } = this.#base;
    this.#progress.phase(`epoch ${epoch}: candidates`);
    const scope: AdaptationScope = {
      ...this.#base,
      rows: { kind: 'proposals', proposals: selfEdits.proposals },
      perContext: spec.proposals.k,
      ...(spec.reward.grader === 'logprob' ? { gainOver: { contextsPerChunk: UNADAPTED_CONTEXTS_PER_CHUNK } } : {}),
    };
    const archive = new HistoryArchive(campaign, scopes.epoch(epoch, this.#versions.selection), settings, this.#resumed?.archivedPages);
    const fanOut = { scope, epoch, version: this.#versions.candidates, contexts, groupSize: spec.concurrency.group, repeats: spec.repeats };
    const window = new CandidateWindow({ ...fanOut, settings, steering: this.#steering, progress: this.#progress, archive }, this.#window);
    let hasRetried = this.#resumed?.hasRetried ?? false;
    for (;;) {
      const isDone = await window.run();
      if (!isDone) await this.#progress.settled();
      await archive.flush();
      if (!isDone) return this.#continueAsNew({ selfEdits, window: window.state, hasRetried, archivedPages: archive.pages });
      if (!this.#retry.isOpen) return { outcomes: window.outcomes, hasRetried };
      this.#retry.isOpen = false;
      hasRetried = true;
      this.#progress.retrying(window.again());
    }
  }

  select({ unadapted }: SelfEdits, scored: Scored): Promise<Kept> {
    const { contexts, spec } = this.#input;
    const { k } = spec.proposals;
    const named = scored.outcomes.map((outcome) => ({ ...outcome, contextId: contexts[Math.floor(outcome.position / k)]!.id, candidate: (outcome.position % k) + 1 }));
    const placeOf = new Map(contexts.map(({ id }, place) => [id, place]));
    const { kept } = selectSelfEdits(named, spec.selection, (contextId) => unadaptedRewardOf(spec.reward.grader, unadapted[placeOf.get(contextId)!] ?? 0));
    return Promise.resolve({ ...scored, positions: kept.map(({ position }) => position) });
  }

  async train({ positions, outcomes, hasRetried }: Kept, { proposals, keptBefore }: SelfEdits): Promise<EpochResult> {
    const { epoch, spec, settings } = this.#input;
    const { campaign, policyAdapters } = this.#base;
    this.#progress.phase(`epoch ${epoch}: M-step`);
    const isAsBefore = keptBefore !== undefined && keptBefore.join() === positions.join();
    const task = { campaign, epoch, versions: this.#versions, policyAdapters, proposals, perContext: spec.proposals.k, outcomes, kept: positions };
    const { policy } = await computeActivities(settings).trainPolicy({ ...task, ...(isAsBefore && { onlySelection: true }) });
    await this.#progress.settled();
    return {
      summary: epochSummary(epoch, outcomes, positions.length),
      policyAdapters: isAsBefore ? null : policy === null ? policyAdapters : [...policyAdapters, policy],
      retryable: retryable(outcomes).length,
      hasRetried,
    };
  }

  #unadapted(): Promise<readonly number[]> {
    const { reward, selection } = this.#input.spec;
    if (reward.grader !== 'logprob' && selection.rule !== 'improves') return Promise.resolve([]);
    return unadaptedScores(this.#base, this.#input.contexts.length, this.#input.settings);
  }

  /** What ends from here on is carried along: nothing may be waited for before the new run begins. */
  #continueAsNew(known: Pick<EpochState, 'selfEdits' | 'window' | 'hasRetried' | 'archivedPages'>): Promise<never> {
    const next: EpochState = { ...known, isRetryRequested: this.#retry.isOpen, counts: this.#progress.counts };
    return continueAsNew<typeof epochWorkflow>({ ...this.#input, steering: this.#steering(), resumed: next });
  }
}
