import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import { decodeOptionalFailureToOptionalError } from '@temporalio/common/lib/internal-non-workflow';
import { oneLine } from '../campaign/errors';

/** Activities that the server repeats until what they wait for has passed: an outage, a full disk, a lost worker. */
export interface WaitingActivities {
  readonly activity: string;
  /** Workflows of the campaign in which it waits, of those that were looked at. */
  readonly workflows: number;
  /** The most attempts that one of them has made. */
  readonly attempts: number;
  /** Type of the last failure. */
  readonly failure: string;
  /** One line. */
  readonly message: string;
}

/** Workflows that are looked at: what holds up one holds up its neighbours. */
const MOST_WORKFLOWS = 40;

/** What of a campaign waits for another attempt by the server, the most frequent first. */
export async function waitingActivities(client: Client, campaignId: string): Promise<WaitingActivities[]> {
  const found = new Map<string, WaitingActivities>();
  let looked = 0;
  for await (const { workflowId } of client.workflow.list({ query: `SealCampaign = '${campaignId}' AND ExecutionStatus = 'Running'` })) {
    if ((looked += 1) > MOST_WORKFLOWS) break;
    for (const waiting of await waitingIn(client, workflowId)) {
      const key = `${waiting.activity}\n${waiting.failure}`;
      const known = found.get(key);
      if (known === undefined) found.set(key, waiting);
      else found.set(key, { ...known, workflows: known.workflows + 1, attempts: Math.max(known.attempts, waiting.attempts) });
    }
  }
  return [...found.values()].sort((a, b) => b.workflows - a.workflows);
}

async function waitingIn(client: Client, workflowId: string): Promise<WaitingActivities[]> {
  const pending = await pendingActivities(client, workflowId);
  return Promise.all(
    pending.flatMap(({ activityType, attempt, lastFailure }) => (lastFailure ? [{ activity: activityType?.name ?? 'an activity', attempts: attempt ?? 1, lastFailure }] : [])).map(
      async ({ activity, attempts, lastFailure }) => {
        // Of a worker with other keys it says which: that they differ may be all that is wrong.
        const error = await decodeOptionalFailureToOptionalError(client.options.loadedDataConverter, lastFailure).catch((unreadable: unknown) => unreadable as Error);
        const cause = error instanceof ActivityFailure ? error.cause : error;
        const failure = (cause instanceof ApplicationFailure ? cause.type : cause?.name) ?? 'unknown';
        return { activity, workflows: 1, attempts, failure, message: oneLine(cause?.message ?? '') };
      },
    ),
  );
}

async function pendingActivities(client: Client, workflowId: string) {
  try {
    return (await client.workflow.getHandle(workflowId).describe()).raw.pendingActivities ?? [];
  } catch (error) {
    // It has ended meanwhile.
    if (error instanceof WorkflowNotFoundError) return [];
    throw error;
  }
}
