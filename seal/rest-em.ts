/**
 * The outer loop's pure pieces: which candidates an epoch has, with which seeds, and how long a fine-tune is.
 * Source: paper, section "RL Optimization" (E-step: k self-edits a context from the current policy; M-step: supervised
 * fine-tuning on the kept ones).
 */
import { deriveSeed } from './seeds';
import { mean } from './statistics';

/** One candidate of an epoch, known before anything runs. */
export interface PlannedCandidate {
  readonly contextId: string;
  /** Position of the context in the campaign's training contexts. */
  readonly contextIndex: number;
  /** From 1 to k. */
  readonly candidate: number;
  /** From 0: fine-tuned and evaluated stacked with the others of this group. */
  readonly group: number;
}

export interface CandidatePlan {
  readonly contextIds: readonly string[];
  readonly k: number;
  /** Candidates a group. Groups follow from position alone, because bits may depend on what is computed together. */
  readonly group: number;
}

/** k candidates of every context, context by context, in groups of fixed size. */
export function planCandidates({ contextIds, k, group }: CandidatePlan): PlannedCandidate[] {
  return contextIds.flatMap((contextId, contextIndex) =>
    Array.from({ length: k }, (_, i) => ({
      contextId,
      contextIndex,
      candidate: i + 1,
      group: Math.floor((contextIndex * k + i) / group),
    })),
  );
}

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

export interface FineTuneLength {
  /** Rows a step. */
  readonly batch: number;
  readonly trainEpochs: number;
  /** Replaces trainEpochs where given. */
  readonly maxSteps?: number;
}

/** Optimiser steps of a fine-tune on `rows` rows; the last step of a train epoch may hold fewer rows than `batch`. */
export function optimiserSteps(rows: number, { batch, trainEpochs, maxSteps }: FineTuneLength): number {
  return maxSteps ?? Math.ceil(rows / batch) * trainEpochs;
}

/**
 * Steps of the `passage-only-step-matched` baseline: the rounded mean of what the self-edits took, at least 1.
 * Departure: the paper's passage-only arm trains one row where a self-edit has about nine, so part of its distance is
 * the number of steps; this baseline takes that part out.
 */
export function stepMatchedBudget(selfEditSteps: readonly number[]): number {
  return Math.max(1, Math.round(mean(selfEditSteps)));
}
