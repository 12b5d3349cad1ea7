/**
 * Attempts at an activity, granted by the class of its failures: `campaign/failures.ts` is the table.
 *
 * What the server repeats by itself never arrives here. What arrives is answered by an attempt of its own, scheduled by the workflow,
 * so that every one of them stands in history with its reason.
 */
import { ActivityFailure, ApplicationFailure, log, sleep, TimeoutFailure } from '@temporalio/workflow';
import type { CampaignTimings } from '../../campaign/campaign';
import { FAILURE_CLASSES, type FailureClass, failureClassOf, type FailurePolicy } from '../../campaign/failures';

/** Asks that less is in memory at once: 1, 2, 4, ... parts of what is computed together. */
interface MemoryBound {
  readonly memoryParts?: number;
}

/** The class of what an activity failed with. */
export function classOf(error: unknown): FailureClass {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  // A lost worker's attempts are repeated by the server: a timeout that arrives is one of the activity itself.
  if (cause instanceof TimeoutFailure) return 'stalled';
  return failureClassOf(cause instanceof ApplicationFailure ? cause.type : undefined);
}

/** An activity that is attempted again after failures, as often as their classes grant. */
export function attempted<Task, Result>(
  activity: (task: Task) => Promise<Result>,
  timings: CampaignTimings,
): (task: Task) => Promise<Result> {
  return async (task) => {
    const failures = new Map<FailureClass, number>();
    let current = task;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await activity(current);
      } catch (error) {
        if (!(error instanceof ActivityFailure)) throw error;
        const failure = classOf(error);
        const { remedy }: FailurePolicy = FAILURE_CLASSES[failure];
        const count = (failures.get(failure) ?? 0) + 1;
        failures.set(failure, count);
        if (count > budgetOf(failure, timings)) throw error;
        // By its class: the message may quote the campaign's texts, and a log is read by more people than a history.
        log.warn('attempting again', { activity: error.activityType, failure, attempt });
        await sleep(waitMs(attempt, timings));
        if (remedy === 'less-memory') current = withLessMemory(current);
      }
    }
  };
}

function budgetOf(failure: FailureClass, { budgets }: CampaignTimings): number {
  const { retriedBy, budget }: FailurePolicy = FAILURE_CLASSES[failure];
  return retriedBy === 'workflow' ? (budgets?.[failure] ?? budget) : 0;
}

function waitMs(attempt: number, { retryInitialMs, retryMaximumMs }: CampaignTimings): number {
  return Math.min(retryMaximumMs, retryInitialMs * 2 ** (attempt - 1));
}

function withLessMemory<Task>(task: Task): Task {
  const { memoryParts = 1 } = task as MemoryBound;
  return { ...task, memoryParts: 2 * memoryParts };
}
