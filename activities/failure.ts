import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import {
  ArtifactCorruptError,
  ArtifactMissingError,
  BadInputError,
  ComputeCancelledError,
  ComputeProcessDiedError,
  EndpointFailedError,
  NotFiniteError,
  ServerUnreachableError,
} from '../contracts/errors';
import { ComputeTimeoutError } from './compute-gate';

/** A failure's text travels through history, where 4 KB are the limit. */
const MAX_MESSAGE = 1500;

/** Trying again cannot help: the input is wrong, the numbers diverged, bytes are damaged, or the code is. */
const HOPELESS = [BadInputError, NotFiniteError, ArtifactCorruptError, ReferenceError, SyntaxError];

const RETRYABLE = [ComputeProcessDiedError, ComputeTimeoutError, ArtifactMissingError, ServerUnreachableError, EndpointFailedError];

/** What an activity throws to Temporal for any error: its class as the failure's type, and whether to retry. */
export function toFailure(error: unknown, cancelled: boolean): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (cancelled && error instanceof ComputeCancelledError) return new CancelledFailure(error.message, [], error);
  const cause = error instanceof Error ? error : new Error(String(error));
  const known = [...HOPELESS, ...RETRYABLE].find((type) => error instanceof type);
  const failure = ApplicationFailure.create({
    message: cause.message.slice(0, MAX_MESSAGE),
    type: known?.name ?? cause.name,
    nonRetryable: HOPELESS.some((type) => error instanceof type),
  });
  // One stack, the one that tells where it happened, instead of ours and the chain of causes.
  failure.stack = (cause.stack ?? cause.message).slice(0, MAX_MESSAGE);
  return failure;
}
