/**
 * One self-edit: judged, then fine-tuned on and evaluated once a repeat.
 * Source: paper, "General Framework" (inner loop): SE -> theta' -> reward.
 */
import { condition, isCancellation, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import type { AdaptationScope, CandidateGroup } from '../activities/activity-types';
import { type CandidateOutcome } from '../campaign/campaign';
import { adaptGroup, failedBy, type MemberResult } from './fan-out/adapt-group';
import { countFinishedCandidate, countStartedCandidate } from './fan-out/candidate-counts';
import { memberResultSignal } from './messages';
import { rewardAttribute, statusAttribute } from './record/search-attributes';
import { type ActivitySettings, localActivities } from './work/activity-options';

export interface CandidateInput {
  readonly scope: AdaptationScope;
  readonly position: number;
  readonly contextId: string;
  /** From 1. */
  readonly candidate: number;
  /** What it is computed with. A group of several is computed by its own workflow, which tells this one its result. */
  readonly group: CandidateGroup & { readonly workflowId: string | null };
  readonly repeats: number;
  readonly settings: ActivitySettings;
}

export interface CandidateResult {
  readonly outcome: CandidateOutcome;
}

/** Scores one candidate. A rejected self-edit and exhausted retries are outcomes, not errors: the epoch goes on. */
export async function candidateWorkflow(input: CandidateInput): Promise<CandidateResult> {
  const { scope, contextId, candidate, position } = input;
  let told: MemberResult | undefined;
  setHandler(memberResultSignal, (result) => {
    told = result;
  });
  countStartedCandidate();
  const ended = (outcome: Omit<CandidateOutcome, 'contextId' | 'candidate'>): CandidateResult => {
    const reward = outcome.reward === undefined ? [] : [rewardAttribute(outcome.reward)];
    upsertSearchAttributes([statusAttribute(outcome.status), ...reward]);
    countFinishedCandidate(outcome.status);
    return { outcome: { contextId, candidate, ...outcome } };
  };
  const fromGroup = async (): Promise<MemberResult> => {
    await condition(() => told !== undefined);
    return told!;
  };
  try {
    const validation = await localActivities(input.settings).validateSelfEdit({ scope, position });
    if (!validation.accepted) return ended({ status: 'rejected', reason: validation.reason, adapters: [] });
    const result = input.group.workflowId === null ? (await adaptGroup(input)).get(position)! : await fromGroup();
    return ended({ adapters: [], ...result });
  } catch (error) {
    if (isCancellation(error)) {
      countFinishedCandidate('cancelled');
      throw error;
    }
    return ended({ adapters: [], ...failedBy(error) });
  }
}
