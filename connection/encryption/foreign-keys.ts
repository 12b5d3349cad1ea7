import type { Client } from '@temporalio/client';
import { PayloadTamperedError } from './encryption-codec';

/** Newest campaigns that are looked at. */
const CAMPAIGNS = 20;

/**
 * Refuses to begin where a running campaign's payloads cannot be read: with other keys, or none, a worker would fail what it is given, and a
 * client start what no worker can read.
 *
 * @throws BadInputError naming the key that is missing or another
 */
export async function refuseForeignKeys(client: Client): Promise<void> {
  const { namespace, loadedDataConverter } = client.options;
  const running = client.workflow.list({ query: "WorkflowType = 'campaignWorkflow' AND ExecutionStatus = 'Running'", pageSize: CAMPAIGNS });
  let seen = 0;
  for await (const { workflowId, runId } of running) {
    const { history } = await client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    });
    try {
      const payloads = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
      for (const codec of loadedDataConverter.payloadCodecs) await codec.decode(payloads);
    } catch (error) {
      // One damaged campaign fails by itself; it is no reason to leave the others alone.
      if (!(error instanceof PayloadTamperedError)) throw error;
    }
    seen += 1;
    if (seen === CAMPAIGNS) return;
  }
}
