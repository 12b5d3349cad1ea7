import { z } from 'zod';

const amount = z.number().nonnegative();

/** What a computation cost. Never part of what is hashed. */
export const spentSchema = z.strictObject({
  ...{ trainSeconds: amount, evaluateSeconds: amount, generateSeconds: amount },
  ...{ trainedTokens: amount, generatedTokens: amount },
  /** Optimiser steps that were computed again, because the attempt before died after its last checkpoint. */
  redoneSteps: amount,
  /** Largest resident memory of a compute process; 0 where none was measured. */
  peakMemoryBytes: amount,
});
export type Spent = Readonly<z.infer<typeof spentSchema>>;

export const ledgerSchema = spentSchema.extend({
  wallSeconds: amount,
  /** Computations of what an earlier one had been for: it failed, or its worker was lost. */
  retries: amount,
});
export type Ledger = Readonly<z.infer<typeof ledgerSchema>>;

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
export const priceSchema = z.strictObject({
  /** Of an hour of a worker whose language model is busy. */
  pricePerHour: amount,
  /** As ISO 4217 names it. */
  currency: z.string(),
});
export type Price = Readonly<z.infer<typeof priceSchema>>;

/** What the seconds of a ledger cost; those of machines that wait for work are not in it. */
export function costOf({ trainSeconds, evaluateSeconds, generateSeconds }: Pick<Spent, 'trainSeconds' | 'evaluateSeconds' | 'generateSeconds'>, { pricePerHour }: Price): number {
  return ((trainSeconds + evaluateSeconds + generateSeconds) / 3600) * pricePerHour;
}

/** A part of a campaign's ledger: of a worker, a candidate or an attempt. */
export const ledgerRowSchema = spentSchema.extend({
  name: z.string(),
  /** Computations that ended well, that failed, and whose worker was lost. */
  ...{ done: amount, failed: amount, lost: amount },
});
export type LedgerRow = Readonly<z.infer<typeof ledgerRowSchema>>;

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
