export interface Ledger {
  readonly wallSeconds: number;
  readonly trainSeconds: number;
  readonly evaluateSeconds: number;
  readonly generateSeconds: number;
  readonly trainedTokens: number;
  readonly generatedTokens: number;
  /** Computations of what an earlier one had been for: it failed, or its worker was lost. */
  readonly retries: number;
  /** Optimiser steps that were computed again, because the attempt before died after its last checkpoint. */
  readonly redoneSteps: number;
  /** Largest resident memory of a compute process; 0 where none was measured. */
  readonly peakMemoryBytes: number;
}

/** What a computation cost. Never part of what is hashed. */
export type Spent = Omit<Ledger, 'wallSeconds' | 'retries'>;

export const NOTHING_SPENT: Spent = {
  trainSeconds: 0,
  evaluateSeconds: 0,
  generateSeconds: 0,
  trainedTokens: 0,
  generatedTokens: 0,
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
export interface LedgerRow extends Spent {
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
    redoneSteps: one.redoneSteps + other.redoneSteps,
    peakMemoryBytes: Math.max(one.peakMemoryBytes, other.peakMemoryBytes),
  };
}
