/**
 * One epoch of ReST-EM: propose, score every candidate, keep the good ones, train the policy on them.
 * Source: paper, "RL Optimization".
 */
import { continueAsNew } from '@temporalio/workflow';
import type { AdaptationScope, PinnedCampaign, RecordedOutcomes, Spent } from '../activities/activity-types';
import type { ArtifactRef } from '../contracts/artifacts';
import { type ContextRef, epochInVersion, type EpochSummary, type EpochVersion, scopes } from '../contracts/campaign';
import type { CampaignSpec } from '../contracts/campaign-spec';
import { epochSummary } from '../seal/report-data';
import { selectSelfEdits, unadaptedRewardOf } from '../seal/selection';
import { CandidateWindow, retryable, type WindowState } from './fan-out/candidate-window';
import { ChildProgress, listenForSteering, RetryWish } from './fan-out/child-progress';
import { contextsPerChunk, propose } from './fan-out/proposing';
import { UNADAPTED_CONTEXTS_PER_CHUNK, unadaptedScores } from './fan-out/unadapted';
import type { Advance, Steering } from './messages';
import { HistoryArchive } from './record/history-archive';
import { type ActivitySettings, bookkeepingActivities, computeActivities } from './work/activity-options';
import { SpentSum } from './work/ledger';

export interface EpochInput {
  readonly campaign: PinnedCampaign;
  /** From 1. */
  readonly epoch: number;
  /** What is made here. Absent in campaigns of the first version: all 1. */
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

/** What is known once the candidates' fan-out has begun. */
interface EpochState {
  readonly proposals: ArtifactRef;
  /** The unadapted policy's mean score on each context, where selection or rewards compare with it. */
  readonly unadapted: readonly number[];
  readonly window: WindowState;
  /** Positions kept before; only of an epoch that is tried again. */
  readonly keptBefore?: readonly number[];
  /** Failed candidates have been waiting again. */
  readonly hasRetried: boolean;
  readonly isRetryWished: boolean;
  readonly archivedPages: number;
  readonly counts: Advance;
  readonly spent: Spent;
}

export interface EpochResult {
  readonly summary: EpochSummary;
  /** Manifest keys of theta_epoch's adapters; those of theta_{epoch-1} when nothing was kept; null: those from before the retry. */
  readonly policyAdapters: readonly string[] | null;
  /** Failed candidates that another attempt may help. Absent in campaigns of the first version. */
  readonly retryable?: number;
  /** An operator's wish that failed candidates be tried again came in time. */
  readonly hasRetried?: boolean;
  readonly spent: Spent;
}

export async function epochWorkflow(input: EpochInput): Promise<EpochResult> {
  const { campaign, epoch, contexts, spec, settings, policyAdapters, resumed, versions = epochInVersion(input.epoch) } = input;
  const steering = listenForSteering(input.steering);
  const wish = new RetryWish(resumed?.isRetryWished);
  const progress = new ChildProgress(contexts.length * spec.proposals.k, resumed?.counts);
  const spent = new SpentSum(resumed?.spent);
  const { k } = spec.proposals;
  const base = { campaign, scope: scopes.epoch(epoch, versions.candidates), split: 'train' as const, policyAdapters };

  const { proposals, unadapted, window: state, keptBefore } = resumed ?? (await opening(input, base, progress, spent));
  progress.phase(`epoch ${epoch}: candidates`);
  const scope: AdaptationScope = {
    ...base,
    rows: { kind: 'proposals', proposals },
    perContext: k,
    ...(spec.reward.grader === 'logprob' ? { gainOver: { contextsPerChunk: UNADAPTED_CONTEXTS_PER_CHUNK } } : {}),
  };
  const archive = new HistoryArchive(campaign, scopes.epoch(epoch, versions.selection), settings, spent, resumed?.archivedPages);
  const fanOut = { scope, epoch, version: versions.candidates, contexts, groupSize: spec.concurrency.group, repeats: spec.repeats };
  const window = new CandidateWindow({ ...fanOut, settings, steering, progress, archive, spent }, state);
  let hasRetried = resumed?.hasRetried ?? false;
  for (;;) {
    const isDone = await window.run();
    if (!isDone) await progress.settled();
    await archive.flush();
    if (isDone) {
      if (!wish.isOpen) break;
      wish.isOpen = false;
      hasRetried = true;
      progress.retrying(window.again());
    } else {
      // What ends from here on is carried along: nothing may be waited for between these lines.
      const { counts } = progress;
      const known = { proposals, unadapted, ...(keptBefore && { keptBefore }), hasRetried, isRetryWished: wish.isOpen };
      const next: EpochState = { ...known, window: window.state, archivedPages: archive.pages, counts, spent: spent.total };
      return continueAsNew<typeof epochWorkflow>({ ...input, steering: steering(), resumed: next });
    }
  }

  progress.phase(`epoch ${epoch}: M-step`);
  const { outcomes } = window;
  const named = outcomes.map((outcome) => ({ ...outcome, contextId: contexts[Math.floor(outcome.position / k)]!.id, candidate: (outcome.position % k) + 1 }));
  const placeOf = new Map(contexts.map(({ id }, place) => [id, place]));
  const { kept } = selectSelfEdits(named, spec.selection, (contextId) =>
    unadaptedRewardOf(spec.reward.grader, unadapted[placeOf.get(contextId)!] ?? 0),
  );
  const positions = kept.map(({ position }) => position);
  const isAsBefore = keptBefore !== undefined && keptBefore.join() === positions.join();
  const task = { campaign, epoch, versions, policyAdapters, proposals, perContext: k, outcomes, kept: positions };
  const trained = await computeActivities(settings, spent).trainPolicy({ ...task, ...(isAsBefore && { onlySelection: true }) });
  spent.add(trained.spent);
  await progress.settled();
  return {
    summary: epochSummary(epoch, named, kept.length),
    policyAdapters: isAsBefore ? null : trained.policy === null ? policyAdapters : [...policyAdapters, trained.policy],
    retryable: retryable(outcomes).length,
    hasRetried,
    spent: spent.total,
  };
}

type EpochOpening = Pick<EpochState, 'proposals' | 'unadapted' | 'window' | 'keptBefore'>;

/** What the fan-out begins with: new proposals, or those of the epoch whose failed candidates are tried again. */
async function opening(
  { epoch, contexts, spec, settings, retryOf }: EpochInput,
  base: Pick<AdaptationScope, 'campaign' | 'scope' | 'split' | 'policyAdapters'>,
  progress: ChildProgress,
  spent: SpentSum,
): Promise<EpochOpening> {
  const { k } = spec.proposals;
  let recorded: RecordedOutcomes | undefined;
  let proposals: ArtifactRef;
  if (retryOf === undefined) {
    progress.phase(`epoch ${epoch}: proposals`);
    const task = { ...base, source: spec.proposals.source, perContext: k, contextsPerChunk: contextsPerChunk(k) };
    proposals = await propose(task, contexts.length, settings, spent);
  } else {
    recorded = await bookkeepingActivities(settings, spent).readOutcomes({ campaign: base.campaign, versions: retryOf, perContext: k });
    ({ proposals } = recorded);
  }
  const unadapted = asksForUnadapted(spec) ? await unadaptedScores(base, contexts.length, settings, spent) : [];
  if (recorded === undefined) {
    const waiting = Array.from({ length: contexts.length * k }, (_, position) => position);
    return { proposals, unadapted, window: { outcomes: [], waiting, underWay: [] } };
  }
  const { outcomes, kept } = recorded;
  return { proposals, unadapted, window: { outcomes, waiting: retryable(outcomes), underWay: [] }, keptBefore: kept };
}

function asksForUnadapted({ reward, selection }: EpochInput['spec']): boolean {
  return reward.grader === 'logprob' || selection.rule === 'improves';
}
