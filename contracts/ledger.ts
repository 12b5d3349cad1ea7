import type { Work } from './work';

export interface Ledger {
  readonly wallSeconds: number;
  readonly trainSeconds: number;
  readonly evaluateSeconds: number;
  readonly generateSeconds: number;
  readonly trainedTokens: number;
  readonly generatedTokens: number;
  /**
   * Attempts beyond the first of each activity. Every member of a group is an activity: where they wait for one computation and it fails,
   * each of them is attempted again, and the failure is one computation of `LedgerRow.failed`.
   */
  readonly retries: number;
  /** Optimiser steps that were computed again, because the attempt before died after its last checkpoint. */
  readonly redoneSteps: number;
  /** Largest resident memory of a compute process; 0 where none was measured. */
  readonly peakMemoryBytes: number;
}

/** What an activity cost, all its attempts together. Never part of what is hashed. */
export type Spent = Omit<Ledger, 'wallSeconds'>;

export const NOTHING_SPENT: Spent = {
  trainSeconds: 0,
  evaluateSeconds: 0,
  generateSeconds: 0,
  trainedTokens: 0,
  generatedTokens: 0,
  retries: 0,
  redoneSteps: 0,
  peakMemoryBytes: 0,
};

/** A price by configuration. */
export interface Price {
  /** Of an hour of a worker whose language model is busy. */
  readonly pricePerHour: number;
  /** As ISO 4217 names it. */
  readonly currency: string;
}

/** What the seconds of a ledger cost; those of machines that wait for work are not in it. */
export function costOf({ trainSeconds, evaluateSeconds, generateSeconds }: Pick<Spent, 'trainSeconds' | 'evaluateSeconds' | 'generateSeconds'>, { pricePerHour }: Price): number {
  return ((trainSeconds + evaluateSeconds + generateSeconds) / 3600) * pricePerHour;
}

/** A part of a campaign's ledger: of a worker, a candidate or an attempt. */
export interface LedgerRow extends Omit<Spent, 'retries'> {
  readonly name: string;
  /** Computations that ended well, that failed, and whose worker was lost. */
  readonly done: number;
  readonly failed: number;
  readonly lost: number;
}

/** Both together: sums, but for the peak of memory. What one of them does not say is nothing. */
export function spentTogether(a: Partial<Spent>, b: Partial<Spent>): Spent {
  const [one, other] = [{ ...NOTHING_SPENT, ...a }, { ...NOTHING_SPENT, ...b }];
  return {
    trainSeconds: one.trainSeconds + other.trainSeconds,
    evaluateSeconds: one.evaluateSeconds + other.evaluateSeconds,
    generateSeconds: one.generateSeconds + other.generateSeconds,
    trainedTokens: one.trainedTokens + other.trainedTokens,
    generatedTokens: one.generatedTokens + other.generatedTokens,
    retries: one.retries + other.retries,
    redoneSteps: one.redoneSteps + other.redoneSteps,
    peakMemoryBytes: Math.max(one.peakMemoryBytes, other.peakMemoryBytes),
  };
}

/** Who computes, for the ledger. */
export interface AttemptName {
  /** `<process id>@<host>`, as Temporal names a worker. */
  readonly worker: string;
  /** Of the activity's execution, from 1; what the workflow schedules anew begins at 1 again. */
  readonly attempt: number;
}

/**
 * The costs in an activity's heartbeats and in its failures' details: a worker that is lost can tell no more, and what a failed attempt
 * cost is in no result.
 */
export interface SpentDetails {
  /** Of this and earlier attempts, as far as computations have ended. */
  readonly spent: Spent;
  /** The computation that runs now, and this activity's share of what it has cost so far. */
  readonly underway?: Work & AttemptName & { readonly startedAt: string; readonly spent: Spent };
}

/** All of it; nothing where the details are of another kind. */
export function spentIn(details: unknown): Spent {
  const { spent, underway } = (details ?? {}) as Partial<SpentDetails>;
  return spentTogether(spent ?? {}, underway?.spent ?? {});
}
