import { Context } from '@temporalio/activity';
import type { ComputeProgress } from '../contracts/language-model';
import { heartbeatGaps } from '../telemetry/waiting-times';
import { toFailure } from './failure';

export interface RunningActivity {
  /** Aborts when the activity is cancelled or the worker shuts down. */
  readonly signal: AbortSignal;
  /** Attempts before this one. */
  readonly retries: number;
  /** Optimiser steps that the attempt before this one said it had taken; 0 if it said nothing. */
  readonly stepsBefore: number;
  /** Goes out with the next heartbeat. */
  readonly onProgress: (progress: ComputeProgress) => void;
}

/**
 * Runs an activity's work with heartbeats at an interval, so that a dead worker is noticed and a cancellation arrives
 * while the language model is busy in its own process; errors leave as classified failures.
 */
export async function asActivity<Result>(
  heartbeatIntervalMs: number,
  work: (activity: RunningActivity) => Promise<Result>,
): Promise<Result> {
  const context = Context.current();
  let latest: ComputeProgress | undefined;
  const sent = heartbeatGaps();
  const beat = setInterval(() => {
    context.heartbeat(latest);
    sent();
  }, heartbeatIntervalMs);
  try {
    return await work({
      signal: context.cancellationSignal,
      retries: context.info.attempt - 1,
      stepsBefore: stepsIn(context.info.heartbeatDetails),
      onProgress: (progress) => {
        latest = progress;
      },
    });
  } catch (error) {
    throw toFailure(error, context.cancellationSignal.aborted);
  } finally {
    clearInterval(beat);
  }
}

/** @param details of the last heartbeat of an attempt before */
function stepsIn(details: unknown): number {
  const { done, unit } = (details ?? {}) as Partial<ComputeProgress>;
  return unit === 'steps' && typeof done === 'number' ? done : 0;
}
