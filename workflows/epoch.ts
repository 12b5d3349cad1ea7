/**
 * One epoch of ReST-EM: propose, score every candidate, keep the good ones, train the policy on them.
 * Source: paper, "RL Optimization".
 */
import {
  CancellationScope,
  ChildWorkflowCancellationType,
  executeChild,
  isCancellation,
  ParentClosePolicy,
} from '@temporalio/workflow';
import type { AdaptationScope, CandidateSummary, PinnedCampaign, Spent } from '../activities/activity-types';
import { type CandidateOutcome, type ContextRef, type EpochSummary, workflowIds } from '../contracts/campaign';
import type { CampaignSpec } from '../contracts/campaign-spec';
import { epochSummary } from '../seal/report-data';
import { selectSelfEdits, unadaptedRewardOf } from '../seal/selection';
import { type ActivitySettings, computeActivities } from './activity-options';
import { fixedGroups, runInWindow } from './bounded-window';
import { type candidateWorkflow, type CandidateInput } from './candidate';
import { ChildProgress, listenForSteering } from './child-progress';
import { reasonOf, SpentSum } from './ledger';
import type { Steering } from './messages';
import { contextsPerChunk, propose } from './proposing';
import { candidateAttributes } from './search-attributes';
import { UNADAPTED_CONTEXTS_PER_CHUNK, unadaptedScores } from './unadapted';

export interface EpochInput {
  readonly campaign: PinnedCampaign;
  /** From 1. */
  readonly epoch: number;
  /** Manifest keys of theta_{epoch-1}'s adapters. */
  readonly policyAdapters: readonly string[];
  readonly contexts: readonly ContextRef[];
  readonly spec: Pick<CampaignSpec, 'proposals' | 'reward' | 'selection' | 'concurrency'> & { readonly repeats: number };
  readonly settings: ActivitySettings;
  readonly steering: Steering;
}

export interface EpochResult {
  readonly summary: EpochSummary;
  /** Manifest keys of theta_epoch's adapters; those of theta_{epoch-1} when nothing was kept. */
  readonly policyAdapters: readonly string[];
  readonly spent: Spent;
}

export async function epochWorkflow(input: EpochInput): Promise<EpochResult> {
  const { campaign, epoch, contexts, spec, settings, policyAdapters } = input;
  const steering = listenForSteering(input.steering);
  const progress = new ChildProgress(contexts.length * spec.proposals.k);
  const spent = new SpentSum();
  const { k } = spec.proposals;
  const base = { campaign, scope: `epoch-${epoch}`, split: 'train' as const, policyAdapters };

  progress.phase(`epoch ${epoch}: proposals`);
  const task = { ...base, source: spec.proposals.source, perContext: k, contextsPerChunk: contextsPerChunk(k) };
  const proposals = await propose(task, contexts.length, settings, spent);
  const unadapted = asksForUnadapted(spec) ? await unadaptedScores(base, contexts.length, settings, spent) : [];

  progress.phase(`epoch ${epoch}: candidates`);
  const scope: AdaptationScope = {
    ...base,
    rows: { kind: 'proposals', proposals },
    perContext: k,
    ...(spec.reward.grader === 'logprob' ? { gainOver: { contextsPerChunk: UNADAPTED_CONTEXTS_PER_CHUNK } } : {}),
  };
  const outcomes = await scoreCandidates(input, scope, steering, progress, spent);

  progress.phase(`epoch ${epoch}: M-step`);
  const placeOf = new Map(contexts.map(({ id }, place) => [id, place]));
  const { kept } = selectSelfEdits(outcomes, spec.selection, (contextId) =>
    unadaptedRewardOf(spec.reward.grader, unadapted[placeOf.get(contextId)!] ?? 0),
  );
  const trained = await computeActivities(settings).trainPolicy({
    campaign,
    epoch,
    policyAdapters,
    proposals,
    perContext: k,
    outcomes: outcomes.map(summaryAt),
    kept: kept.map(({ contextId, candidate }) => placeOf.get(contextId)! * k + candidate - 1),
  });
  spent.add(trained.spent);
  await progress.settled();
  return {
    summary: epochSummary(epoch, outcomes, kept.length),
    policyAdapters: trained.policy === null ? policyAdapters : [...policyAdapters, trained.policy],
    spent: spent.total,
  };
}

function asksForUnadapted({ reward, selection }: EpochInput['spec']): boolean {
  return reward.grader === 'logprob' || selection.rule === 'improves';
}

/** One child a candidate, through the window; outcomes in planned order. */
async function scoreCandidates(
  { campaign, epoch, contexts, spec, settings }: EpochInput,
  scope: AdaptationScope,
  steering: () => Steering,
  progress: ChildProgress,
  spent: SpentSum,
): Promise<CandidateOutcome[]> {
  const { k } = spec.proposals;
  const outcomes: CandidateOutcome[] = [];
  const groups = fixedGroups(contexts.length * k, spec.concurrency.group).map((group) =>
    Array.from({ length: group.to - group.from }, (_, i): CandidateInput => {
      const position = group.from + i;
      const contextId = contexts[Math.floor(position / k)]!.id;
      return { scope, position, contextId, candidate: (position % k) + 1, group, repeats: spec.repeats, settings };
    }),
  );
  await runInWindow(groups, steering, async (candidate) => {
    progress.started();
    const { outcome, cost } = await runCandidate(campaign.campaignId, epoch, candidate);
    outcomes[candidate.position] = outcome;
    if (cost !== null) spent.add(cost);
    progress.finished(outcome.status === 'scored' ? 'done' : outcome.status);
  });
  return outcomes;
}

async function runCandidate(
  campaignId: string,
  epoch: number,
  input: CandidateInput,
): Promise<{ outcome: CandidateOutcome; cost: Spent | null }> {
  const { contextId, candidate } = input;
  try {
    const { outcome, spent } = await executeChild<typeof candidateWorkflow>('candidateWorkflow', {
      workflowId: workflowIds.candidate(campaignId, epoch, contextId, candidate),
      args: [input],
      typedSearchAttributes: candidateAttributes(campaignId, epoch, contextId),
      // An epoch that is terminated must not leave candidates computing; they end in order, having been asked.
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    });
    return { outcome, cost: spent };
  } catch (error) {
    if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
    // Terminated or cancelled by hand, or broken: this candidate is lost, the epoch is not.
    return { outcome: { contextId, candidate, status: 'failed', reason: reasonOf(error), adapters: [], recordKey: '' }, cost: null };
  }
}

function summaryAt({ status, reward, reason }: CandidateOutcome, position: number): CandidateSummary {
  return { position, status, ...(reward === undefined ? {} : { reward }), ...(reason === undefined ? {} : { reason }) };
}
