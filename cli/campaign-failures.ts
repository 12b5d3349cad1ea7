import { WorkflowFailedError } from '@temporalio/client';
import { BadInputError } from '../contracts/errors';

/** No worker answered in time. */
export class NoWorkerError extends Error {
  override readonly name = 'NoWorkerError';
  readonly code = 'NO_WORKER';
}

/** gRPC: CANCELLED, DEADLINE_EXCEEDED, FAILED_PRECONDITION (no poller for a query). */
const UNANSWERED = new Set([1, 4, 9]);

/** gRPC: RESOURCE_EXHAUSTED, UNAVAILABLE. */
const OVERLOADED = new Set([8, 14]);

/** Whether asking again may help: a server that restarts or is overloaded, or no worker. A restarting one may not know its namespaces yet. */
export function mayPass(error: unknown): boolean {
  if (error instanceof NoWorkerError || isUnanswered(error)) return true;
  for (let current = error; current instanceof Error; current = current.cause) {
    const code = (current as { code?: unknown }).code;
    if (typeof code === 'number' && OVERLOADED.has(code)) return true;
    if (current.name === 'NamespaceNotFoundError') return true;
  }
  return false;
}

/** Whether nobody answered in time. */
export function isUnanswered(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    const code = (current as { code?: unknown }).code;
    if (typeof code === 'number' && UNANSWERED.has(code)) return true;
    if (current.name === 'WorkflowUpdateRPCTimeoutOrCancelledError') return true;
  }
  return false;
}

/** @param cause of the server */
export function alreadyRunning(campaignId: string, cause?: unknown): BadInputError {
  return new BadInputError({ where: '--id', expected: 'an id that no running campaign has', got: JSON.stringify(campaignId) }, { cause });
}

export function unknownCampaign(campaignId: string, address: string): BadInputError {
  return new BadInputError({
    where: 'campaign id',
    expected: `one that Temporal at ${address} knows (see seal list)`,
    got: JSON.stringify(campaignId),
  });
}

/** Why a campaign did not complete, in one line. */
export function failureOf(error: unknown): string {
  let reason = error;
  while (reason instanceof Error && (reason instanceof WorkflowFailedError || reason.cause instanceof Error)) {
    if (reason.cause === undefined) break;
    reason = reason.cause;
  }
  return reason instanceof Error ? reason.message : String(reason);
}
