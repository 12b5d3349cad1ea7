/**
 * Workflows that no longer are this run's children: an earlier run started them and went on in this one. Nobody tells their end, so
 * the server is asked, and one that died without a word is found like any other.
 */
import { CancellationScope, condition, getExternalWorkflowHandle, isCancellation, log } from '@temporalio/workflow';
import type { EndedWorkflow } from '../../activities/activity-types';
import { type ActivitySettings, AWAIT_WORKFLOWS_MS, waitingActivities } from '../work/activity-options';

export class CarriedWorkflows {
  readonly #settings: ActivitySettings;
  readonly #waiting = new Set<string>();
  readonly #ended = new Map<string, EndedWorkflow>();
  #watching = false;
  #failure: unknown;

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
    const hasEnded = (): boolean => this.#ended.has(workflowId) || this.#failure !== undefined;
    try {
      await condition(hasEnded);
    } catch (error) {
      if (!isCancellation(error)) throw error;
      await CancellationScope.nonCancellable(async () => {
        await cancelByHand(workflowId);
        await condition(hasEnded);
      });
      throw error;
    }
    const ended = this.#ended.get(workflowId);
    if (ended === undefined) throw this.#failure;
    return ended;
  }

  /** One activity asks for all; it ends when some have ended. */
  #watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    CancellationScope.nonCancellable(() => this.#watchAll())
      .catch((error: unknown) => {
        this.#failure = error;
      })
      .finally(() => {
        this.#watching = false;
      });
  }

  async #watchAll(): Promise<void> {
    const { awaitWorkflows } = waitingActivities(this.#settings);
    while (this.#waiting.size > 0) {
      const { ended } = await awaitWorkflows({ workflows: [...this.#waiting].map((workflowId) => ({ workflowId })), waitMs: AWAIT_WORKFLOWS_MS });
      for (const one of ended) {
        this.#waiting.delete(one.workflowId);
        this.#ended.set(one.workflowId, one);
      }
    }
  }
}

/** Cancels the run that a workflow is in. */
export async function cancelByHand(workflowId: string): Promise<void> {
  try {
    await getExternalWorkflowHandle(workflowId).cancel();
  } catch (error) {
    // It has just ended.
    log.info('a workflow was not there to be cancelled', { workflowId, error });
  }
}
