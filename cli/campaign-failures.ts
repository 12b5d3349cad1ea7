import { WorkflowFailedError } from '@temporalio/client';
import { causesOf, GRPC, grpcCode } from '../temporal/grpc';
import { BadInputError } from '../campaign/errors';

/** No worker answered in time. */
export class NoWorkerError extends Error {
  override readonly name = 'NoWorkerError';
  readonly code = 'NO_WORKER';
}

/** A query without a poller is a failed precondition. */
const UNANSWERED: ReadonlySet<number | undefined> = new Set([GRPC.CANCELLED, GRPC.DEADLINE_EXCEEDED, GRPC.FAILED_PRECONDITION]);

const OVERLOADED: ReadonlySet<number | undefined> = new Set([GRPC.RESOURCE_EXHAUSTED, GRPC.UNAVAILABLE]);

/** Whether asking again may help: a server that restarts or is overloaded, or no worker. A restarting one may not know its namespaces yet. */
export function mayPass(error: unknown): boolean {
  if (error instanceof NoWorkerError || isUnanswered(error)) return true;
  return [...causesOf(error)].some((cause) => OVERLOADED.has(grpcCode(cause)) || cause.name === 'NamespaceNotFoundError');
}

/** Whether nobody answered in time. */
export function isUnanswered(error: unknown): boolean {
  return [...causesOf(error)].some((cause) => UNANSWERED.has(grpcCode(cause)) || cause.name === 'WorkflowUpdateRPCTimeoutOrCancelledError');
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
