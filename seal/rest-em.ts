/**
 * The outer loop's pure pieces: the seeds of its sampling and fine-tunes, and how long a fine-tune is that is compared with another.
 * Source: paper, section "RL Optimization" (E-step: k self-edits a context from the current policy; M-step: supervised
 * fine-tuning on the kept ones).
 */
import { deriveSeed } from './seeds';
import { mean } from './statistics';

/**
 * Of a self-edit's sampling. `scope` is its epoch (`epoch-1`), or `held-out`: every method's held-out self-edits share
 * their seeds, so that a difference between methods is not one of luck in sampling.
 */
export function proposalSeed(campaignSeed: number, scope: string, contextId: string, candidate: number): number {
  return deriveSeed(campaignSeed, 'proposal', scope, contextId, candidate);
}

/** Of one fine-tune and evaluation of a candidate; `scope` as for `proposalSeed`. */
export function repeatSeed(
  campaignSeed: number,
  scope: string,
  contextId: string,
  candidate: number,
  repeat: number,
): number {
  return deriveSeed(campaignSeed, 'fine-tune', scope, contextId, candidate, repeat);
}

/** Of an epoch's M-step: its fresh adapter and row order. */
export function mStepSeed(campaignSeed: number, epoch: number): number {
  return deriveSeed(campaignSeed, 'm-step', epoch);
}

/**
 * Steps of the `passage-only-step-matched` baseline: the rounded mean of what the self-edits took, at least 1.
 * Departure: the paper's passage-only arm trains one row where a self-edit has about nine, so part of its distance is
 * the number of steps; this baseline takes that part out.
 */
export function stepMatchedBudget(selfEditSteps: readonly number[]): number {
  return Math.max(1, Math.round(mean(selfEditSteps)));
}
