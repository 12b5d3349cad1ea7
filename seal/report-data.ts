/**
 * What a report says, computed from evaluation results: scores with standard errors over contexts, paired
 * comparisons, epochs.
 * Source: paper, "Knowledge Incorporation", results (mean of passage means). Departure: standard errors and pairing
 * are ours.
 */
import type { CandidateOutcome, Comparison, EpochSummary, MethodScore, UnadaptedReason } from '../campaign/campaign';
import { epochOfMethod, sealMethod } from './algorithm/stages';
import { exceeds, mean, pairedDifference, standardError } from './statistics/statistics';

/** One fine-tune of a method on one context, evaluated. */
export interface MethodRun {
  readonly contextId: string;
  /** One a question: 0 or 1, or the gold answer's log-probability per token. */
  readonly questionScores: readonly number[];
  /** Like `steps` 0 where there is no adapter. */
  readonly trainedTokens: number;
  readonly steps: number;
  /** Present where the policy answered unadapted, though the method adapts. */
  readonly unadapted?: UnadaptedReason;
}

export interface MethodRuns {
  /** base, passage-only, passage-only-step-matched, self-edits, seal-epoch-1, ..., oracle. */
  readonly name: string;
  readonly grader: string;
  /** As many of every context: self-edits times repeats. */
  readonly runs: readonly MethodRun[];
}

/**
 * Mean over contexts of the context's mean over questions (and over its runs, where it has several).
 * The standard error of a single context is undefined and given as 0: read it with `n`.
 *
 * @throws RangeError for a method without runs
 */
export function methodScore(method: MethodRuns): MethodScore {
  const unadapted = (reason: UnadaptedReason): number => method.runs.filter((run) => run.unadapted === reason).length;
  const scores = [...scoreByContext(method).values()];
  return {
    name: method.name,
    grader: method.grader,
    score: mean(scores),
    standardError: scores.length < 2 ? 0 : standardError(scores),
    n: scores.length,
    runs: method.runs.length,
    rejected: unadapted('rejected'),
    diverged: unadapted('diverged'),
    meanTokens: mean(method.runs.map(({ trainedTokens }) => trainedTokens)),
    meanSteps: mean(method.runs.map(({ steps }) => steps)),
  };
}

/**
 * Every method minus base, minus passage-only and minus passage-only-step-matched, and every SEAL epoch minus the
 * self-edits before RL, minus another model's (`endpoint`) and minus the epoch before, on the contexts that both have. Fewer than two such contexts make
 * no comparison: it would have no error.
 */
export function comparisons(methods: readonly MethodRuns[]): Comparison[] {
  const byName = new Map(methods.map((method) => [method.name, method]));
  return methods.flatMap((a) => referencesOf(a.name).flatMap((name) => compare(a, byName.get(name))));
}

const BASELINE_REFERENCES = ['base', 'passage-only', 'passage-only-step-matched'];

/** What a method is compared with; a baseline only with those before it. */
function referencesOf(name: string): string[] {
  const position = BASELINE_REFERENCES.indexOf(name);
  if (position >= 0) return BASELINE_REFERENCES.slice(0, position);
  const epoch = epochOfMethod(name);
  if (epoch === null) return BASELINE_REFERENCES;
  return [...BASELINE_REFERENCES, 'self-edits', 'endpoint', ...(epoch > 1 ? [sealMethod(epoch - 1)] : [])];
}

function compare(a: MethodRuns, b: MethodRuns | undefined): Comparison[] {
  if (b === undefined || a.grader !== b.grader) return [];
  const scoresOfB = scoreByContext(b);
  const shared = [...scoreByContext(a)].filter(([contextId]) => scoresOfB.has(contextId));
  if (shared.length < 2) return [];
  const difference = pairedDifference(
    shared.map(([, score]) => score),
    shared.map(([contextId]) => scoresOfB.get(contextId)!),
  );
  return [{ a: a.name, b: b.name, ...difference }];
}

/** Context id -> mean over its runs of the run's mean over questions, in order of first appearance. */
export function scoreByContext({ runs }: MethodRuns): Map<string, number> {
  const scores = new Map<string, number[]>();
  for (const { contextId, questionScores } of runs) {
    scores.set(contextId, [...(scores.get(contextId) ?? []), mean(questionScores)]);
  }
  return new Map([...scores].map(([contextId, values]) => [contextId, mean(values)]));
}

/** An epoch in numbers. Mean and best reward are over scored candidates, and 0 where there is none. */
export function epochSummary(
  epoch: number,
  outcomes: readonly Pick<CandidateOutcome, 'contextId' | 'status' | 'reward'>[],
  kept: number,
): EpochSummary {
  const rewards = outcomes.flatMap(({ reward }) => reward ?? []);
  const ofContext = new Map<string, number[]>();
  for (const { contextId, reward } of outcomes) if (reward !== undefined) ofContext.set(contextId, [...(ofContext.get(contextId) ?? []), reward]);
  const compared = [...ofContext.values()].filter((own) => own.length > 1);
  const count = (status: CandidateOutcome['status']): number => outcomes.filter((one) => one.status === status).length;
  return {
    epoch,
    proposed: outcomes.length,
    rejected: count('rejected'),
    failed: count('failed'),
    kept,
    meanReward: rewards.length === 0 ? 0 : mean(rewards),
    bestReward: rewards.length === 0 ? 0 : rewards.reduce((best, reward) => Math.max(best, reward)),
    compared: compared.length,
    tied: compared.filter((own) => !exceeds(Math.max(...own), Math.min(...own))).length,
  };
}

/** Numbers of the epochs whose selection had nothing to go by: candidates were compared, and in every context all were equal. */
export function tiedEpochs(epochs: readonly EpochSummary[]): number[] {
  return epochs.flatMap((summary) => (isTied(summary) ? [summary.epoch] : []));
}

export function isTied({ compared, tied }: Pick<EpochSummary, 'compared' | 'tied'>): boolean {
  return compared > 0 && tied === compared;
}
