import { ActivityFailure, ApplicationFailure, ChildWorkflowFailure, TimeoutFailure } from '@temporalio/workflow';

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
  return shortReason(`${type}${text}`);
}

/** One line, short enough to travel. */
export function shortReason(text: string): string {
  return text.replace(/\s+/g, ' ').slice(0, MAX_REASON);
}
