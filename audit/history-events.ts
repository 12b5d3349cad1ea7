/** What an auditor reads in a workflow's history. */
import { defaultPayloadConverter, type Payload, type PayloadCodec } from '@temporalio/common';
import type { History } from '../activities/stored/history-bytes';

/** A run of a workflow, as its own history tells it. */
export interface WorkflowRun {
  readonly workflowId: string;
  readonly runId: string;
}

export type RunStatus = 'running' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed out' | 'continued as new';

/** An operator's Update that the workflow accepted. */
export interface OperatorUpdate {
  readonly update: string;
  /** As it was sent; who checks it expects `by` and `why`. */
  readonly action: unknown;
  /** ISO 8601. */
  readonly at: string;
}

export interface HistoryFacts {
  readonly type: string;
  readonly status: RunStatus;
  readonly children: readonly WorkflowRun[];
  /** The run that goes on from this one, and the one that this goes on from. */
  readonly next: string | null;
  readonly previous: string | null;
}

export function historyFacts({ events }: History): HistoryFacts {
  const started = events?.[0]?.workflowExecutionStartedEventAttributes;
  const last = events?.at(-1);
  const children = (events ?? []).flatMap(({ childWorkflowExecutionStartedEventAttributes: child }): WorkflowRun[] => {
    const { workflowId, runId } = child?.workflowExecution ?? {};
    return workflowId && runId ? [{ workflowId, runId }] : [];
  });
  return {
    type: started?.workflowType?.name ?? 'unknown',
    status: statusOf(last),
    children,
    next: last?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId || null,
    previous: started?.continuedExecutionRunId || null,
  };
}

type HistoryEvent = NonNullable<History['events']>[number];

function statusOf(last: HistoryEvent | undefined): RunStatus {
  if (last?.workflowExecutionCompletedEventAttributes) return 'completed';
  if (last?.workflowExecutionFailedEventAttributes) return 'failed';
  if (last?.workflowExecutionCanceledEventAttributes) return 'cancelled';
  if (last?.workflowExecutionTerminatedEventAttributes) return 'terminated';
  if (last?.workflowExecutionTimedOutEventAttributes) return 'timed out';
  if (last?.workflowExecutionContinuedAsNewEventAttributes) return 'continued as new';
  return 'running';
}

/** The first argument that the workflow was started with. */
export function inputOf({ events }: History, codecs: readonly PayloadCodec[]): Promise<unknown> {
  return firstValue(events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads, codecs);
}

/** What a completed workflow returned. */
export function resultOf({ events }: History, codecs: readonly PayloadCodec[]): Promise<unknown> {
  return firstValue(events?.at(-1)?.workflowExecutionCompletedEventAttributes?.result?.payloads, codecs);
}

/** Every result of an activity, in the order of completion. */
export async function activityResults({ events }: History, activity: string, codecs: readonly PayloadCodec[]): Promise<unknown[]> {
  const scheduled = new Set<string>();
  const results: unknown[] = [];
  for (const { eventId, activityTaskScheduledEventAttributes, activityTaskCompletedEventAttributes } of events ?? []) {
    if (activityTaskScheduledEventAttributes?.activityType?.name === activity) scheduled.add(String(eventId));
    if (activityTaskCompletedEventAttributes && scheduled.has(String(activityTaskCompletedEventAttributes.scheduledEventId))) {
      results.push(await firstValue(activityTaskCompletedEventAttributes.result?.payloads, codecs));
    }
  }
  return results;
}

export async function operatorUpdates({ events }: History, codecs: readonly PayloadCodec[]): Promise<OperatorUpdate[]> {
  const updates: OperatorUpdate[] = [];
  for (const { eventTime, workflowExecutionUpdateAcceptedEventAttributes: accepted } of events ?? []) {
    const input = accepted?.acceptedRequest?.input;
    if (!input?.name) continue;
    const at = new Date(Number(eventTime?.seconds ?? 0) * 1000 + Math.floor((eventTime?.nanos ?? 0) / 1e6)).toISOString();
    updates.push({ update: input.name, action: await firstValue(input.args?.payloads, codecs), at });
  }
  return updates;
}

async function firstValue(payloads: Payload[] | null | undefined, codecs: readonly PayloadCodec[]): Promise<unknown> {
  let decoded = (payloads ?? []).slice(0, 1);
  // Written by the first codec last, read in the opposite order.
  for (const codec of codecs) decoded = await codec.decode(decoded);
  const [payload] = decoded;
  return payload === undefined ? undefined : defaultPayloadConverter.fromPayload(payload);
}
