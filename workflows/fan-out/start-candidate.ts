import { ChildWorkflowCancellationType, type ChildWorkflowHandle, ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { CandidateInput, candidateWorkflow } from '../candidate';
import { candidateAttributes } from '../record/search-attributes';

export type RunningCandidate = ChildWorkflowHandle<typeof candidateWorkflow>;

export interface CandidateToStart {
  readonly workflowId: string;
  readonly input: CandidateInput;
  readonly epoch: number;
  /** Whether it goes on when its parent's run ends. */
  readonly outlivesParent: boolean;
}

export function startCandidate({ workflowId, input, epoch, outlivesParent }: CandidateToStart): Promise<RunningCandidate> {
  return startChild<typeof candidateWorkflow>('candidateWorkflow', {
    workflowId,
    args: [input],
    typedSearchAttributes: candidateAttributes(input.scope.campaign.campaignId, epoch, input.contextId),
    parentClosePolicy: outlivesParent ? ParentClosePolicy.ABANDON : ParentClosePolicy.TERMINATE,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
}
