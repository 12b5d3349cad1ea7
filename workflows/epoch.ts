/**
 * One epoch of ReST-EM, durably: `seal/algorithm/rest-em.ts` is what it runs; here is how each step is started, waited for and kept.
 * Source: paper, "RL Optimization".
 */
import { CancellationScope, condition } from '@temporalio/workflow';
import type { AdaptationScope, PinnedCampaign, Selected } from '../activities/activity-types';
import type { ArtifactRef } from '../campaign/artifacts';
import { epochInVersion, type EpochSummary, type EpochVersion, scopes } from '../campaign/campaign';
import type { CampaignSpec } from '../campaign/campaign-spec';
import { restEmEpoch, type RestEmHooks } from '../seal/algorithm/rest-em';
import { ALL, ALL_FAILED, CandidateWindow, type WindowState } from './fan-out/candidate-window';
import { ChildProgress, listenForSteering, type RetriesState, RetryRequests } from './fan-out/child-progress';
import { continueUnlessCancelled } from './fan-out/continue-as-new';
import { contextsPerChunk, propose, proposedBefore } from './fan-out/proposing';
import { scoreUnadapted, UNADAPTED_CONTEXTS_PER_CHUNK } from './fan-out/unadapted';
import type { Advance, Steering } from './messages';
import { type ArchiveState, HistoryArchive } from './record/history-archive';
import { type ActivitySettings, bookkeepingActivities, computeActivities } from './work/activity-options';

export interface EpochInput {
  readonly campaign: PinnedCampaign;
  /** From 1. */
  readonly epoch: number;
  /** What is made here. @default all 1 */
  readonly versions?: EpochVersion;
  /** An epoch that has ended: only its failed candidates are tried again, and selection is made anew. @default all candidates */
  readonly retryOf?: EpochVersion;
  /** Manifest key of theta_{epoch-1}; null: the base. */
  readonly policy: string | null;
  /** Training contexts. */
  readonly contexts: number;
  readonly spec: Pick<CampaignSpec, 'proposals' | 'reward' | 'selection' | 'concurrency'> & { readonly repeats: number };
  readonly settings: ActivitySettings;
  readonly steering: Steering;
  /** Where an earlier run of this epoch was. @default at the beginning */
  readonly resumed?: EpochState;
}

/** What is known once the candidates' fan-out has begun. */
interface EpochState {
  readonly proposals: ArtifactRef;
  readonly window: WindowState;
  readonly retries: RetriesState;
  readonly archive: ArchiveState;
  readonly counts: Advance;
}

export interface EpochResult {
  readonly summary: EpochSummary;
  /** Manifest key of theta_epoch; that of theta_{epoch-1} when nothing was kept; null: the base. */
  readonly policy: string | null;
  /** Of a retry: the same is kept as before, so that the epoch's policy stands and `policy` says nothing. */
  readonly isAsBefore: boolean;
  /** Failed candidates that another attempt may help. */
  readonly retryable: number;
  /** The last of the operator's requests, by number, after which failed candidates were tried again here; 0 for none. */
  readonly retriesServed: number;
}

export function epochWorkflow(input: EpochInput): Promise<EpochResult> {
  return restEmEpoch(input.contexts, new DurableEpoch(input));
}

/** A scope whose candidates have ended: each has left a record of its reward, or of why it has none. */
type RecordedScope = string;

/** The steps of an epoch as activities and child workflows. What an earlier run has finished is answered from its state. */
class DurableEpoch implements RestEmHooks<number, ArtifactRef, RecordedScope, Selected, EpochResult> {
  readonly #input: EpochInput;
  readonly #versions: EpochVersion;
  readonly #resumed: EpochState | undefined;
  readonly #steering: () => Steering;
  readonly #retries: RetryRequests;
  readonly #progress: ChildProgress;
  readonly #base: Omit<AdaptationScope, 'rows' | 'perContext'>;

  constructor(input: EpochInput) {
    const { campaign, epoch, contexts, spec, policy, resumed, versions = epochInVersion(input.epoch) } = input;
    this.#input = input;
    this.#versions = versions;
    this.#resumed = resumed;
    this.#steering = listenForSteering(input.steering);
    this.#retries = new RetryRequests(resumed?.retries);
    const count = contexts * spec.proposals.k;
    this.#progress = new ChildProgress(count, resumed?.counts);
    this.#base = { campaign, scope: scopes.epoch(epoch, versions.candidates), split: 'train', policy };
  }

  async propose(contexts: number): Promise<ArtifactRef> {
    if (this.#resumed !== undefined) return this.#resumed.proposals;
    const { epoch, spec, settings, retryOf } = this.#input;
    const { k, source } = spec.proposals;
    this.#progress.phase(`epoch ${epoch}: proposals`);
    const task = { ...this.#base, source, perContext: k, contextsPerChunk: contextsPerChunk(k) };
    const proposals = retryOf === undefined ? await propose(task, contexts, { settings, steering: this.#steering }) : await proposedBefore(task, settings);
    if (this.#comparesWithUnadapted) await scoreUnadapted(this.#base, contexts, { settings, steering: this.#steering });
    return proposals;
  }

  async score(proposals: ArtifactRef): Promise<RecordedScope> {
    const { epoch, contexts, spec, settings, retryOf } = this.#input;
    const { campaign } = this.#base;
    this.#progress.phase(`epoch ${epoch}: candidates`);
    const scope: AdaptationScope = {
      ...this.#base,
      rows: { kind: 'proposals', proposals },
      perContext: spec.proposals.k,
      ...(spec.reward.grader === 'logprob' ? { gainOver: { contextsPerChunk: UNADAPTED_CONTEXTS_PER_CHUNK } } : {}),
    };
    const archive = new HistoryArchive(campaign, scopes.epoch(epoch, this.#versions.selection), settings, this.#resumed?.archive);
    const fanOut = { scope, epoch, version: this.#versions.candidates, contexts, groupSize: spec.concurrency.group, repeats: spec.repeats };
    // Each pass over failed candidates records failures of its own.
    const pass = (): number => 1000 * this.#versions.selection + this.#retries.served;
    const before = this.#resumed?.window ?? (retryOf === undefined ? ALL : ALL_FAILED);
    const window = new CandidateWindow({ ...fanOut, settings, steering: this.#steering, progress: this.#progress, archive, pass }, before);
    const isDone = await this.#runToItsEnd(window, archive);
    // What ends from here on is carried along: nothing may be waited for before the new run begins.
    if (!isDone) await this.#continueAsNew({ proposals, window: window.state, archive: archive.state });
    return scope.scope;
  }

  select(proposals: ArtifactRef, _recorded: RecordedScope): Promise<Selected> {
    const { spec, settings, retryOf } = this.#input;
    return bookkeepingActivities(settings).selectSelfEdits({
      campaign: this.#base.campaign,
      versions: this.#versions,
      proposals,
      perContext: spec.proposals.k,
      ...(this.#comparesWithUnadapted && { unadaptedContextsPerChunk: UNADAPTED_CONTEXTS_PER_CHUNK }),
      ...(retryOf !== undefined && { before: retryOf }),
    });
  }

  async train({ selection, summary, retryable, isAsBefore }: Selected, proposals: ArtifactRef): Promise<EpochResult> {
    const { epoch, settings } = this.#input;
    const { campaign, policy: before } = this.#base;
    const result = { summary, retryable, isAsBefore, retriesServed: this.#retries.served };
    if (isAsBefore) return { ...result, policy: before };
    this.#progress.phase(`epoch ${epoch}: M-step`);
    await condition(() => !this.#steering().paused);
    const { policy } = await computeActivities(settings).trainPolicy({ campaign, versions: this.#versions, policy: before, proposals, selection });
    await this.#progress.settled();
    return { ...result, policy: policy ?? before };
  }

  get #comparesWithUnadapted(): boolean {
    const { reward, selection } = this.#input.spec;
    return reward.grader === 'logprob' || selection.rule === 'improves';
  }

  /**
   * Scores what is waiting, and what failed again where an operator asks for it. Whatever ends the epoch ends its candidates first, since
   * nobody else would.
   * @returns false where the rest belongs into a new run
   */
  async #runToItsEnd(window: CandidateWindow, archive: HistoryArchive): Promise<boolean> {
    const scope = new CancellationScope();
    try {
      return await scope.run(async () => {
        for (;;) {
          const isDone = await window.run();
          if (!isDone) await this.#progress.settled();
          await archive.flush();
          if (!isDone || !this.#retries.isOpen) return isDone;
          this.#retries.serve();
          window.again();
        }
      });
    } catch (error) {
      scope.cancel();
      await CancellationScope.nonCancellable(() => window.ended().catch(() => undefined));
      throw error;
    }
  }

  #continueAsNew(known: Pick<EpochState, 'proposals' | 'window' | 'archive'>): Promise<never> {
    const next: EpochState = { ...known, retries: this.#retries.state, counts: this.#progress.counts };
    return continueUnlessCancelled<typeof epochWorkflow>({ ...this.#input, steering: this.#steering(), resumed: next });
  }
}
