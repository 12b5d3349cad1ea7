import { Context } from '@temporalio/activity';
import type { ComputeProgress } from '../../contracts/language-model';
import type { SpentDetails } from '../../contracts/ledger';
import { heartbeatGaps } from '../../telemetry/waiting-times';
import { billOf } from './bill';
import { type CostlyProgress, Expenses } from './expenses';
import { toFailure } from './failure';

export interface RunningActivity {
  /** Aborts when the activity is cancelled or the worker shuts down. */
  readonly signal: AbortSignal;
  /** What it cost, earlier attempts included. */
  readonly expenses: Expenses;
  /** Optimiser steps that the attempt before this one said it had taken; 0 if it said nothing. */
  readonly stepsBefore: number;
  /** Goes out with the next heartbeat. */
  readonly onProgress: (progress: CostlyProgress) => void;
}

/**
 * Runs an activity's work with heartbeats at an interval, so that a dead worker is noticed and a cancellation arrives
 * while the language model is busy in its own process; errors leave as classified failures, with what was spent.
 */
export async function asActivity<Result>(
  heartbeatIntervalMs: number,
  work: (activity: RunningActivity) => Promise<Result>,
): Promise<Result> {
  const context = Context.current();
  const { attempt } = context.info;
  const heartbeatDetails = context.info.heartbeatDetails as HeartbeatDetails | undefined;
  const expenses = new Expenses(attempt, heartbeatDetails);
  // An attempt that is lost before it gets anywhere leaves what the one before had told.
  let latest = trainingIn(heartbeatDetails);
  const sent = heartbeatGaps();
  const beat = (): void => {
    context.heartbeat({ ...latest, ...expenses.details() });
    sent();
  };
  const beating = setInterval(beat, heartbeatIntervalMs);
  try {
    return await work({
      signal: context.cancellationSignal,
      expenses,
      stepsBefore: latest.done ?? 0,
      onProgress: ({ underway, ...progress }) => {
        latest = { ...latest, ...progress };
        if (underway !== undefined) expenses.goesOn(underway);
      },
    });
  } catch (error) {
    const bill = billOf(error);
    if (bill !== undefined) expenses.add(bill.take());
    // For the next attempt, where the server makes it: no failure's details reach that.
    if (latest.checkpoint !== undefined) latest = { ...latest, done: latest.checkpoint.steps };
    beat();
    throw toFailure(error, context.cancellationSignal.aborted, expenses.details());
  } finally {
    clearInterval(beating);
  }
}

/** What an attempt leaves for the next. */
type HeartbeatDetails = Partial<ComputeProgress> & Partial<SpentDetails>;

function trainingIn({ done, total, unit, checkpoint }: HeartbeatDetails = {}): Partial<ComputeProgress> {
  if (unit !== 'steps' || done === undefined || total === undefined) return {};
  return { done, total, unit, ...(checkpoint && { checkpoint }) };
}
