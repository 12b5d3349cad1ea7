import { ActivityFailure, ApplicationFailure, CancelledFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';
import type { Spent } from '../activities/activity-types';

const NOTHING: Spent = {
  trainSeconds: 0,
  evaluateSeconds: 0,
  generateSeconds: 0,
  trainedTokens: 0,
  generatedTokens: 0,
  retries: 0,
  redoneSteps: 0,
  peakMemoryBytes: 0,
};

/** Sums what activities cost; of memory, the peak. */
export class SpentSum {
  #total: Spent;

  /** @param before what was spent already. @default nothing */
  constructor(before: Spent = NOTHING) {
    this.#total = before;
  }

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
      redoneSteps: sum.redoneSteps + more.redoneSteps,
      peakMemoryBytes: Math.max(sum.peakMemoryBytes, more.peakMemoryBytes),
    };
  }
}

/**
 * What an activity had spent, all its attempts together, when it failed for good: from the failure's details, or from its last
 * heartbeat where it was lost. Nothing of what ended before it reached a worker.
 */
export function spentOf(error: unknown): Partial<Spent> {
  const cause = innermost(error);
  const details =
    cause instanceof TimeoutFailure ? cause.lastHeartbeatDetails : cause instanceof ApplicationFailure || cause instanceof CancelledFailure ? cause.details?.[0] : undefined;
  const spent = (details as { readonly spent?: unknown } | null | undefined)?.spent;
  return typeof spent === 'object' && spent !== null ? spent : {};
}

function innermost(error: unknown): unknown {
  let cause = error;
  while ((cause instanceof ActivityFailure || cause instanceof ChildWorkflowFailure) && cause.cause !== undefined) cause = cause.cause;
  return cause;
}

/** The longest reason that travels through parents and reports. */
const MAX_REASON = 200;

/** Why something failed for good, in one line: the innermost cause says it. */
export function reasonOf(error: unknown): string {
  const cause = innermost(error);
  const text = cause instanceof Error ? cause.message : String(cause);
  const type = cause instanceof ApplicationFailure && cause.type ? `${cause.type}: ` : cause instanceof TimeoutFailure ? 'timeout: ' : '';
  return `${type}${text}`.replace(/\s+/g, ' ').slice(0, MAX_REASON);
}
