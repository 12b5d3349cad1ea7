import type { Client } from '@temporalio/client';
import { BadInputError } from '../../campaign/errors';
import { isEncrypted, PayloadTamperedError } from './encryption-codec';

/** Newest campaigns that are looked at. */
const CAMPAIGNS = 20;

/**
 * Refuses to begin with keys, or none, that open nothing of what runs: a worker would fail whatever it is given, and a client start what no
 * worker can read. One campaign whose key is lost, beside others whose keys are there, holds up nobody but itself.
 *
 * @throws BadInputError naming the first key that is missing or another, where some payloads need keys and none has its own
 */
export async function refuseForeignKeys(client: Client): Promise<void> {
  const { namespace, loadedDataConverter } = client.options;
  const running = client.workflow.list({ query: "WorkflowType = 'campaignWorkflow' AND ExecutionStatus = 'Running'", pageSize: CAMPAIGNS });
  let seen = 0;
  let opened = 0;
  const unreadable: BadInputError[] = [];
  for await (const { workflowId, runId } of running) {
    const { history } = await client.workflowService.getWorkflowExecutionHistory({
      namespace,
      execution: { workflowId, runId },
      maximumPageSize: 1,
    });
    try {
      const payloads = history?.events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads ?? [];
      for (const codec of loadedDataConverter.payloadCodecs) await codec.decode(payloads);
      if (payloads.some(isEncrypted)) opened += 1;
    } catch (error) {
      if (error instanceof BadInputError) unreadable.push(error);
      // One damaged campaign fails by itself; it is no reason to leave the others alone.
      else if (!(error instanceof PayloadTamperedError)) throw error;
    }
    seen += 1;
    if (seen === CAMPAIGNS) break;
  }
  if (unreadable[0] !== undefined && opened === 0) throw unreadable[0];
}
