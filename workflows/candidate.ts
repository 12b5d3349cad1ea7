/**
 * One self-edit: judged, then fine-tuned on and evaluated once a repeat.
 * Source: paper, "General Framework" (inner loop): SE -> theta' -> reward.
 */
import { isCancellation, upsertSearchAttributes } from '@temporalio/workflow';
import type { AdaptationScope, CandidateGroup, Spent } from '../activities/activity-types';
import { type CandidateOutcome, manifestKeys } from '../contracts/campaign';
import { candidateReward } from '../seal/rewards';
import { countFinishedCandidate, countStartedCandidate } from './fan-out/candidate-counts';
import { rewardAttribute, statusAttribute } from './record/search-attributes';
import { type ActivitySettings, computeActivities, localActivities } from './work/activity-options';
import { classOf } from './work/attempts';
import { reasonOf, SpentSum } from './work/ledger';

export interface CandidateInput {
  readonly scope: AdaptationScope;
  readonly position: number;
  readonly contextId: string;
  /** From 1. */
  readonly candidate: number;
  readonly group: CandidateGroup;
  readonly repeats: number;
  readonly settings: ActivitySettings;
}

export interface CandidateResult {
  readonly outcome: CandidateOutcome;
  readonly spent: Spent;
}

/** Scores one candidate. A rejected self-edit and exhausted retries are outcomes, not errors: the epoch goes on. */
export async function candidateWorkflow(input: CandidateInput): Promise<CandidateResult> {
  const { scope, contextId, candidate } = input;
  const spent = new SpentSum();
  countStartedCandidate();
  const result = (outcome: Omit<CandidateOutcome, 'contextId' | 'candidate' | 'recordKey'>): CandidateResult => {
    const reward = outcome.reward === undefined ? [] : [rewardAttribute(outcome.reward)];
    upsertSearchAttributes([statusAttribute(outcome.status), ...reward]);
    countFinishedCandidate(outcome.status);
    const recordKey = manifestKeys.candidate(scope.campaign.campaignId, scope.scope, contextId, candidate);
    return { outcome: { contextId, candidate, recordKey, ...outcome }, spent: spent.total };
  };
  try {
    const validation = await localActivities(input.settings, spent).validateSelfEdit({ scope, position: input.position });
    if (!validation.accepted) return result({ status: 'rejected', reason: validation.reason, adapters: [] });
    return result({ status: 'scored', ...(await scoreRepeats(input, spent)) });
  } catch (error) {
    if (isCancellation(error)) {
      countFinishedCandidate('cancelled');
      throw error;
    }
    return result({ status: 'failed', reason: reasonOf(error), failure: classOf(error), adapters: [] });
  }
}

async function scoreRepeats(input: CandidateInput, spent: SpentSum): Promise<{ reward: number; adapters: string[] }> {
  const { scope, position, group, repeats } = input;
  const { fineTuneAdapter, evaluateAdapter } = computeActivities(input.settings, spent);
  const rewards: number[] = [];
  const adapters: string[] = [];
  for (let repeat = 1; repeat <= repeats; repeat += 1) {
    const task = { scope, group, position, repeat, repeats };
    const trained = await fineTuneAdapter(task);
    spent.add(trained.spent);
    const evaluated = await evaluateAdapter(task);
    spent.add(evaluated.spent);
    if (trained.adapter !== null) adapters.push(trained.adapter);
    if (evaluated.reward !== null) rewards.push(evaluated.reward);
  }
  return { reward: candidateReward(rewards), adapters };
}
