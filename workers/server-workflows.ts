import { type Client, WorkflowFailedError, WorkflowNotFoundError } from '@temporalio/client';
import type { EndedWorkflow, WorkflowRef } from '../activities/activity-types';
import type { WorkflowWatcher } from '../activities/execution/workflow-watcher';
import { oneLine } from '../campaign/errors';
import { askServer, isNotFound } from './server-calls';

/** Waits for workflows at the server of a client. */
export class ServerWorkflows implements WorkflowWatcher {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async outcome({ workflowId, runId }: WorkflowRef, signal: AbortSignal): Promise<EndedWorkflow> {
    const handle = this.#client.workflow.getHandle(workflowId, runId);
    try {
      const result: unknown = await askServer(workflowId, () => this.#client.withAbortSignal(signal, () => handle.result()));
      return { workflowId, result };
    } catch (error) {
      if (error instanceof WorkflowFailedError) return { workflowId, failure: oneLine(`${error.message}: ${error.cause?.message ?? 'no reason given'}`) };
      if (error instanceof WorkflowNotFoundError || isNotFound(error)) return { workflowId, failure: 'the server knows no such workflow' };
      throw error;
    }
  }
}
