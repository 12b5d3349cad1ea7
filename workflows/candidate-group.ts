/**
 * Candidates that are fine-tuned and evaluated stacked, as one batch: a child each, and one computation for all of them. Temporal sees
 * to it that the group is computed once: this workflow alone asks for it.
 */
import { CancellationScope, isCancellation, log } from '@temporalio/workflow';
import { type CandidateOutcome } from '../campaign/campaign';
import type { CandidateInput } from './candidate';
import { adaptGroup, failedBy, type GroupToAdapt, type MemberResult } from './fan-out/adapt-group';
import { type RunningCandidate, startCandidate } from './fan-out/start-candidate';
import { memberResultSignal } from './messages';

export interface CandidateGroupInput extends GroupToAdapt {
  readonly epoch: number;
  /** Members that are run; of a group whose failed members are tried again, those. */
  readonly members: readonly { readonly workflowId: string; readonly input: CandidateInput }[];
}

export interface CandidateGroupResult {
  /** In the order of the members. */
  readonly outcomes: readonly CandidateOutcome[];
}

export async function candidateGroupWorkflow(input: CandidateGroupInput): Promise<CandidateGroupResult> {
  const candidates = await Promise.all(input.members.map(({ workflowId, input: member }) => startCandidate({ workflowId, input: member, epoch: input.epoch, outlivesParent: false })));
  const outcomes = Promise.all(candidates.map((candidate, i) => outcomeOf(candidate, input.members[i]!.input)));
  // Awaited below, whatever the group comes to.
  outcomes.catch(() => undefined);
  try {
    await tellMembers(input, candidates, await resultsOf(input));
  } catch (error) {
    // The members hear of the cancellation too: the group ends after them.
    await CancellationScope.nonCancellable(() => outcomes.catch(() => undefined));
    throw error;
  }
  return { outcomes: await outcomes };
}

/** A result for each member that can be trained on. */
async function resultsOf(input: CandidateGroupInput): Promise<(position: number) => MemberResult | undefined> {
  try {
    const results = await adaptGroup(input);
    return (position) => results.get(position);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return () => failedBy(error);
  }
}

async function tellMembers({ members }: CandidateGroupInput, candidates: readonly RunningCandidate[], resultOf: (position: number) => MemberResult | undefined): Promise<void> {
  await Promise.all(
    members.map(async ({ workflowId, input: { position } }, i) => {
      const result = resultOf(position);
      if (result === undefined) return;
      try {
        await candidates[i]!.signal(memberResultSignal, result);
      } catch (error) {
        if (isCancellation(error)) throw error;
        // Rejected, cancelled or terminated: it has its outcome already.
        log.info('a candidate had ended before its group', { workflowId, error });
      }
    }),
  );
}

async function outcomeOf(candidate: RunningCandidate, { contextId, candidate: number }: CandidateInput): Promise<CandidateOutcome> {
  try {
    return (await candidate.result()).outcome;
  } catch (error) {
    if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
    // Terminated or cancelled by hand: this candidate is lost, its group is not.
    return { contextId, candidate: number, adapters: [], ...failedBy(error) };
  }
}
