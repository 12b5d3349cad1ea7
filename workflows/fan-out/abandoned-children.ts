/**
 * Workflows that no longer are this run's children: an earlier run started them and went on in this one. Nobody tells their end, so
 * the server is asked, and one that died without a word is found like any other.
 */
import { CancellationScope, condition, getExternalWorkflowHandle, isCancellation, log, sleep } from '@temporalio/workflow';
import type { EndedWorkflow } from '../../activities/activity-types';
import { type ActivitySettings, AWAIT_WORKFLOWS_MS, waitingActivities } from '../work/activity-options';

export class AbandonedChildren {
  readonly #settings: ActivitySettings;
  readonly #waiting = new Set<string>();
  readonly #ended = new Map<string, EndedWorkflow>();
  #watching = false;

  constructor(settings: ActivitySettings) {
    this.#settings = settings;
  }

  /**
   * How a workflow ended, once it has. Where the scope is cancelled, the workflow is cancelled and waited for.
   * @throws CancelledFailure of the scope
   */
  async outcome(workflowId: string): Promise<EndedWorkflow> {
    this.#waiting.add(workflowId);
    this.#watch();
    const hasEnded = (): boolean => this.#ended.has(workflowId);
    try {
      await condition(hasEnded);
    } catch (error) {
      if (!isCancellation(error)) throw error;
      await CancellationScope.nonCancellable(async () => {
        await cancelExternal(workflowId);
        await condition(hasEnded);
      });
      throw error;
    }
    return this.#ended.get(workflowId)!;
  }

  /** Whether everything that has ended was settled too. */
  get isSettled(): boolean {
    return this.#ended.size === 0;
  }

  /** An outcome has been dealt with: a run may end without telling the next one of the workflow. */
  settle(workflowId: string): void {
    this.#ended.delete(workflowId);
  }

  /** One activity asks for all; it ends when some have ended. */
  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    // Whoever waits is told by `#ended`; nothing here fails.
    void CancellationScope.nonCancellable(() => this.#watchAll());
  }

  async #watchAll(): Promise<void> {
    while (this.#waiting.size > 0) {
      for (const one of await this.#someThatEnded()) {
        this.#waiting.delete(one.workflowId);
        this.#ended.set(one.workflowId, one);
      }
    }
    this.#watching = false;
  }

  /** A watch that fails says nothing of the workflows: they run on, and are asked for again. */
  async #someThatEnded(): Promise<readonly EndedWorkflow[]> {
    try {
      const workflows = [...this.#waiting].map((workflowId) => ({ workflowId }));
      return (await waitingActivities(this.#settings).awaitWorkflows({ workflows, waitMs: AWAIT_WORKFLOWS_MS })).ended;
    } catch (error) {
      log.error('carried workflows could not be watched; trying again', { error });
      await sleep(this.#settings.timings.retryMaximumMs);
      return [];
    }
  }
}

/** Cancels the run that a workflow is in. @returns false where it was in none: it has ended, or goes on in a new one just now */
export async function cancelExternal(workflowId: string): Promise<boolean> {
  try {
    await getExternalWorkflowHandle(workflowId).cancel();
    return true;
  } catch (error) {
    log.info('a workflow was not there to be cancelled', { workflowId, error });
    return false;
  }
}
