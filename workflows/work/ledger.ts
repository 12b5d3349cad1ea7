import { ActivityFailure, ApplicationFailure, CancelledFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';
import { NOTHING_SPENT, type Spent, spentIn, spentTogether } from '../../contracts/ledger';

/** Sums what activities cost; of memory, the peak. */
export class SpentSum {
  #total: Spent;

  /** @param before what was spent already. @default nothing */
  constructor(before: Spent = NOTHING_SPENT) {
    this.#total = before;
  }

  get total(): Spent {
    return this.#total;
  }

  add(spent: Partial<Spent>): void {
    this.#total = spentTogether(this.#total, spent);
  }
}

/**
 * What an activity had spent, all its attempts together, when it failed for good: from the failure's details, or from its last
 * heartbeat where it was lost. Nothing of what ended before it reached a worker.
 */
export function spentOf(error: unknown): Partial<Spent> {
  const cause = innermost(error);
  if (cause instanceof TimeoutFailure) return spentIn(cause.lastHeartbeatDetails);
  return spentIn(cause instanceof ApplicationFailure || cause instanceof CancelledFailure ? cause.details?.[0] : undefined);
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
