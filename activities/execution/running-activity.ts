import { hostname } from 'node:os';
import { Context } from '@temporalio/activity';
import type { ComputeProgress } from '../../campaign/language-model';
import type { Work } from '../../campaign/work';
import { heartbeatGaps } from '../../telemetry/waiting-times';
import { toFailure } from './failure';

/** As Temporal names a worker. */
export const WORKER = `${process.pid}@${hostname()}`;

/** A computation that runs. Heartbeats carry it, so that the attempt after a lost one can record what that one cost. */
export interface Computation extends Work {
  readonly worker: string;
  /** Of the activity's execution, from 1. */
  readonly attempt: number;
  readonly startedMs: number;
  readonly peakMemoryBytes: number;
  /** Optimiser steps that are computed again. */
  readonly redoneSteps: number;
}

/** A computation whose worker was lost, and when it was last heard of. */
export interface LostComputation extends Computation {
  readonly heardMs: number;
}

export interface RunningActivity {
  /** Aborts when the activity is cancelled or the worker shuts down. */
  readonly signal: AbortSignal;
  /** The computation during which the attempt before this one was lost. */
  readonly lost: LostComputation | undefined;
  /** Optimiser steps that the attempt before this one said it had taken; 0 if it said nothing. */
  readonly stepsBefore: number;
  /** Goes out with the next heartbeat. */
  readonly onProgress: (progress: Partial<ComputeProgress>) => void;
  /** A computation runs, or has ended: null. */
  readonly onComputation: (computation: Computation | null) => void;
}

/** What an attempt leaves for the next. */
interface HeartbeatDetails extends Partial<ComputeProgress> {
  readonly computation?: LostComputation;
}

/**
 * Runs an activity's work with heartbeats at an interval, so that a dead worker is noticed and a cancellation arrives
 * while the language model is busy in its own process. Errors leave as classified failures.
 */
export async function asActivity<Result>(
  heartbeatIntervalMs: number,
  work: (activity: RunningActivity) => Promise<Result>,
): Promise<Result> {
  const context = Context.current();
  const before = context.info.heartbeatDetails as HeartbeatDetails | undefined;
  // An attempt that is lost before it gets anywhere leaves what the one before had told.
  let latest = trainingIn(before);
  let computation: Computation | null = null;
  const sent = heartbeatGaps();
  const beat = (): void => {
    context.heartbeat({ ...latest, ...(computation && { computation: { ...computation, heardMs: Date.now() } }) });
    sent();
  };
  const beating = setInterval(beat, heartbeatIntervalMs);
  try {
    return await work({
      signal: context.cancellationSignal,
      lost: before?.computation,
      stepsBefore: latest.done ?? 0,
      onProgress: (progress) => {
        latest = { ...latest, ...progress };
      },
      onComputation: (running) => {
        computation = running;
      },
    });
  } catch (error) {
    // For the next attempt, where the server makes it: no failure's details reach that.
    if (latest.checkpoint !== undefined) latest = { ...latest, done: latest.checkpoint.steps };
    beat();
    throw toFailure(error, context.cancellationSignal.aborted, context.info.attempt);
  } finally {
    clearInterval(beating);
  }
}

function trainingIn({ done, total, unit, checkpoint }: HeartbeatDetails = {}): Partial<ComputeProgress> {
  if (unit !== 'steps' || done === undefined || total === undefined) return {};
  return { done, total, unit, ...(checkpoint && { checkpoint }) };
}
