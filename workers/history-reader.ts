import { Client, type ConnectionLike, WorkflowNotFoundError } from '@temporalio/client';
import { encodeHistory, type History } from '../activities/history-bytes';
import type { FetchedHistory, HistoryReader } from '../activities/history-reader';

/** Reads histories from the server that a connection leads to. They stay as the server has them: no payload is decoded. */
export class ServerHistories implements HistoryReader {
  readonly #client: Client;

  constructor(connection: ConnectionLike, namespace: string) {
    this.#client = new Client({ connection, namespace });
  }

  async fetch(workflowId: string, runId?: string): Promise<FetchedHistory | null> {
    try {
      const handle = this.#client.workflow.getHandle(workflowId, runId);
      // The latest run may change between two questions: its history is asked for by name.
      const ofRun = runId ?? (await handle.describe()).runId;
      const history = await this.#client.workflow.getHandle(workflowId, ofRun).fetchHistory();
      return { workflowId, runId: ofRun, bytes: encodeHistory(history), closed: isClosed(history), continuedFrom: continuedFrom(history) };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError || notFound(error)) return null;
      throw error;
    }
  }
}

/** gRPC: NOT_FOUND, which `fetchHistory` passes on as it comes. */
const NOT_FOUND = 5;

function notFound(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ((current as { code?: unknown }).code === NOT_FOUND && current.name !== 'NamespaceNotFoundError') return true;
  }
  return false;
}

function isClosed({ events }: History): boolean {
  const last = events?.at(-1);
  if (last === undefined) return false;
  return [
    last.workflowExecutionCompletedEventAttributes,
    last.workflowExecutionFailedEventAttributes,
    last.workflowExecutionCanceledEventAttributes,
    last.workflowExecutionTerminatedEventAttributes,
    last.workflowExecutionTimedOutEventAttributes,
    last.workflowExecutionContinuedAsNewEventAttributes,
  ].some((attributes) => attributes !== undefined && attributes !== null);
}

function continuedFrom({ events }: History): string | null {
  return events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || null;
}
