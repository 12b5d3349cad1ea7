import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isNativeError } from 'node:util/types';
import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { ComputeCancelledError, ComputeProcessDiedError } from '../../campaign/errors';
import { FAILURE_CLASSES, failureClassOf } from '../../campaign/failures';
import { asReported } from '../../engine/runtime/reported-failure';

/** Another machine may be free at once, and what this one lacks is put in its place while somebody looks on. */
const MOST_WAIT_SECONDS = 15;

/** A failure's text travels through history, where 4 KB are the limit. */
const MAX_MESSAGE = 1500;

/**
 * What an activity throws to Temporal for any error, by the table of `campaign/failures.ts`: the error's class name is the failure's
 * type, and all but what the server repeats by itself is not retryable, since the workflow decides. What no class names is a bug: its
 * message ends with the place where it happened.
 *
 * @param cancelled whether the activity was told to stop; that its language model ended is then no failure of its own
 * @param attempt of the server, from 1
 */
export function toFailure(error: unknown, cancelled: boolean, attempt = 1): Error {
  if (error instanceof ApplicationFailure || error instanceof CancelledFailure) return error;
  if (cancelled && (error instanceof ComputeCancelledError || error instanceof ComputeProcessDiedError)) {
    return new CancelledFailure(error.message, [], error);
  }
  const cause = asReported(isNativeError(error) ? error : new Error(String(error)));
  const failureClass = failureClassOf(cause.name);
  const place = failureClass === 'bug' ? placeOf(cause) : undefined;
  const message = cause.message.slice(0, MAX_MESSAGE);
  const failure = ApplicationFailure.create({
    message: place === undefined ? message : `${message} (${place})`,
    type: cause.name,
    nonRetryable: FAILURE_CLASSES[failureClass].retriedBy !== 'server',
    ...(failureClass === 'machine-unable' && { nextRetryDelay: `${Math.min(MOST_WAIT_SECONDS, 2 ** (attempt - 1))}s` }),
  });
  // One stack, the one that tells where it happened, instead of ours and the chain of causes.
  failure.stack = (cause.stack ?? cause.message).slice(0, MAX_MESSAGE);
  return failure;
}

const PROGRAM = resolve(__dirname, '..', '..', '..');

/** `at activities/answers/answers.ts:41:13`: the innermost line that is not Node's own, without the machine's path. */
function placeOf({ stack = '' }: Error): string | undefined {
  const frames = [...stack.matchAll(/^\s+at (?:.*\()?(.+:\d+:\d+)\)?$/gm)].map(([, place]) => place as string);
  const place = frames.find((frame) => !frame.startsWith('node:'));
  return place === undefined ? undefined : `at ${relative(PROGRAM, place.startsWith('file:') ? fileURLToPath(place) : place)}`;
}
