/** How a campaign starts the parts that it runs: one epoch or one evaluation at a time, each a child with its own history. */
import { CancellationScope, ChildWorkflowCancellationType, type ChildWorkflowHandle, type ChildWorkflowOptions, ParentClosePolicy, sleep, startChild } from '@temporalio/workflow';
import type { PinnedCampaign } from '../../activities/activity-types';
import { type CampaignInput, type EpochVersion, workflowIds } from '../../campaign/campaign';
import type { EpochInput, epochWorkflow } from '../epoch';
import type { MethodRows } from '../../seal/algorithm/stages';
import type { EvaluationInput, evaluationWorkflow } from '../evaluation';
import { cancelExternal } from '../fan-out/abandoned-children';
import type { Steering } from '../messages';
import { epochAttributes } from '../record/search-attributes';
import type { ActivitySettings } from '../work/activity-options';

export type CampaignPart = ChildWorkflowHandle<typeof epochWorkflow> | ChildWorkflowHandle<typeof evaluationWorkflow>;

/** What every part is told. */
export interface PartContext {
  readonly input: CampaignInput;
  readonly campaign: PinnedCampaign;
  /** 0 before the first. */
  readonly epoch: number;
  readonly policy: string | null;
  readonly settings: ActivitySettings;
  readonly steering: Steering;
}

/** @param version of the policy that is evaluated */
export function startEvaluation(context: PartContext, method: string, rows: MethodRows, version: number): Promise<ChildWorkflowHandle<typeof evaluationWorkflow>> {
  const { campaign, policy, settings, steering } = context;
  const { spec, campaignId, contexts } = context.input;
  const input: EvaluationInput = {
    campaign,
    method,
    version,
    policy,
    rows,
    contexts: contexts.heldOut,
    spec: { proposals: spec.proposals, evaluation: spec.evaluation, concurrency: spec.concurrency },
    settings,
    steering,
  };
  return startChild<typeof evaluationWorkflow>('evaluationWorkflow', {
    workflowId: workflowIds.evaluation(campaignId, method, version),
    args: [input],
    ...partOptions(context),
  });
}

/** @param retryOf the versions of a finished epoch of which only failed candidates are tried again */
export function startEpoch(context: PartContext, versions: EpochVersion, retryOf?: EpochVersion): Promise<ChildWorkflowHandle<typeof epochWorkflow>> {
  const { campaign, policy, settings, steering } = context;
  const { epoch } = versions;
  const { spec, campaignId, contexts } = context.input;
  const { proposals, reward, selection, concurrency } = spec;
  const input: EpochInput = {
    campaign,
    epoch,
    versions,
    ...(retryOf && { retryOf }),
    policy,
    contexts: contexts.train,
    spec: { proposals, reward, selection, concurrency, repeats: spec.innerLoop.repeats },
    settings,
    steering,
  };
  return startChild<typeof epochWorkflow>('epochWorkflow', { workflowId: workflowIds.epoch(campaignId, epoch, versions.selection), args: [input], ...partOptions(context) });
}

/** A part that was between two runs is in the next one by then. */
const CANCEL_AGAIN_MS = 1_000;

/**
 * A part's result. A cancellation of the scope reaches the run that the part is in by now: through the part's handle it would be told
 * to the first run only, which may have ended long ago.
 */
export async function resultOf<Result>(part: { readonly workflowId: string; result(): Promise<Result> }): Promise<Result> {
  let isOver = false;
  CancellationScope.current().cancelRequested.catch(() => {
    void CancellationScope.nonCancellable(async () => {
      while (!isOver && !(await cancelExternal(part.workflowId))) await sleep(CANCEL_AGAIN_MS);
    });
  });
  try {
    return await part.result();
  } finally {
    isOver = true;
  }
}

function partOptions({ input, epoch }: PartContext): Pick<ChildWorkflowOptions, 'typedSearchAttributes' | 'parentClosePolicy' | 'cancellationType'> {
  return {
    typedSearchAttributes: epochAttributes(input.campaignId, epoch),
    parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
    cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
  };
}
