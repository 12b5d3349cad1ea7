import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { encodeHistory, type History } from '../activities/stored/history-bytes';
import type { FetchedHistory, HistoryReader } from '../activities/stored/history-reader';
import { askServer, isNotFound } from './server-calls';

/** Reads histories from the server of a client. They stay as the server has them: no payload is decoded. */
export class ServerHistories implements HistoryReader {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  fetch(workflowId: string, runId?: string): Promise<FetchedHistory | null> {
    return askServer(`history of ${workflowId}`, () => this.#fetch(workflowId, runId));
  }

  async #fetch(workflowId: string, runId?: string): Promise<FetchedHistory | null> {
    try {
      const handle = this.#client.workflow.getHandle(workflowId, runId);
      // The latest run may change between two questions: its history is asked for by name.
      const ofRun = runId ?? (await handle.describe()).runId;
      const history = await this.#client.workflow.getHandle(workflowId, ofRun).fetchHistory();
      return { workflowId, runId: ofRun, bytes: encodeHistory(history), closed: isClosed(history), continuedFrom: continuedFrom(history) };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError || isNotFound(error)) return null;
      throw error;
    }
  }
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
