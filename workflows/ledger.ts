import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';
import type { Spent } from '../activities/activity-types';

const NOTHING: Spent = { trainSeconds: 0, evaluateSeconds: 0, generateSeconds: 0, trainedTokens: 0, generatedTokens: 0, retries: 0 };

/** Sums what activities cost. */
export class SpentSum {
  #total: Spent = NOTHING;

  get total(): Spent {
    return this.#total;
  }

  add(spent: Partial<Spent>): void {
    const sum = this.#total;
    const more = { ...NOTHING, ...spent };
    this.#total = {
      trainSeconds: sum.trainSeconds + more.trainSeconds,
      evaluateSeconds: sum.evaluateSeconds + more.evaluateSeconds,
      generateSeconds: sum.generateSeconds + more.generateSeconds,
      trainedTokens: sum.trainedTokens + more.trainedTokens,
      generatedTokens: sum.generatedTokens + more.generatedTokens,
      retries: sum.retries + more.retries,
    };
  }
}

/** The longest reason that travels through parents and reports. */
const MAX_REASON = 200;

/** Why something failed for good, in one line: the innermost cause says it. */
export function reasonOf(error: unknown): string {
  let cause = error;
  while ((cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) && cause.cause !== undefined) cause = cause.cause;
  const text = cause instanceof Error ? cause.message : String(cause);
  const type = cause instanceof ApplicationFailure && cause.type ? `${cause.type}: ` : cause instanceof TimeoutFailure ? 'timeout: ' : '';
  return `${type}${text}`.replace(/\s+/g, ' ').slice(0, MAX_REASON);
}

/** Attempts beyond the first of an activity that failed for good. */
export function retriesOf(error: unknown, maximumAttempts: number): number {
  return error instanceof ActivityFailure && error.retryState === 'MAXIMUM_ATTEMPTS_REACHED' ? maximumAttempts - 1 : 0;
}

