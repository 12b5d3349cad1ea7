import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { readAll } from '../record/bounded-reads';

/** Few enough not to keep the server from campaigns that run. */
const REMOVED_AT_ONCE = 8;
/** How long a removed campaign may still be known to the server before one goes on all the same. */
const REMOVAL_MS = 30_000;
const REMOVAL_POLL_MS = 100;

/**
 * Removes a campaign's workflows, which have ended, with their histories, and waits until the server has forgotten the campaign.
 * @returns how many runs there were
 */
export async function removeWorkflows(client: Client, campaignId: string, isKnown: () => Promise<boolean>): Promise<number> {
  const query = `SealCampaign = '${campaignId}' OR WorkflowId = '${campaignId}' OR WorkflowId STARTS_WITH '${campaignId}/'`;
  const runs: { workflowId: string; runId: string }[] = [];
  for await (const { workflowId, runId } of client.workflow.list({ query })) runs.push({ workflowId, runId });
  const { namespace } = client.options;
  await readAll(runs, (workflowExecution) => client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution }), REMOVED_AT_ONCE);
  // It takes its time: until then it would still be asked for a campaign that has no record.
  for (const deadline = Date.now() + REMOVAL_MS; Date.now() < deadline && (await isKnown()); ) await sleep(REMOVAL_POLL_MS);
  return runs.length;
}
