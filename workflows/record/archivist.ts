/** Keeps a campaign's own history, which is whole only when the campaign has ended. */
import { ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { PinnedCampaign } from '../../activities/activity-types';
import { workflowIds } from '../../campaign/campaign';
import { type ActivitySettings, AWAIT_WORKFLOWS_MS, bookkeepingActivities, waitingActivities } from '../work/activity-options';

export interface ArchivistInput {
  readonly campaign: PinnedCampaign;
  readonly settings: ActivitySettings;
  /** Of the campaign's run that ends. */
  readonly runId: string;
}

/** Waits for the campaign's end and archives the run that ended. */
export async function archivistWorkflow({ campaign, settings, runId }: ArchivistInput): Promise<void> {
  const workflows = [{ workflowId: workflowIds.campaign(campaign.campaignId), runId }];
  const { awaitWorkflows } = waitingActivities(settings);
  for (let ended = 0; ended === 0; ) ({ length: ended } = (await awaitWorkflows({ workflows, waitMs: AWAIT_WORKFLOWS_MS })).ended);
  await bookkeepingActivities(settings).archiveHistories({
    campaign,
    scope: `ended/${runId}`,
    page: 1,
    workflows,
  });
}

/** Starts an archivist that outlives the campaign. */
export async function startArchivist(campaign: PinnedCampaign, settings: ActivitySettings, runId: string): Promise<void> {
  const input: ArchivistInput = { campaign, settings, runId };
  await startChild<typeof archivistWorkflow>('archivistWorkflow', {
    workflowId: workflowIds.archive(campaign.campaignId, runId),
    args: [input],
    parentClosePolicy: ParentClosePolicy.ABANDON,
  });
}
