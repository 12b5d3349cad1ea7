/**
 * Where each grader draws the line between yes and no, and where it might: what cross-validation chooses from. `exact`
 * and `contains` have no line to draw.
 */
import { type AnswerGrader, grade } from './grade';
import type { GradedAnswer } from './graded-answer';
import { TOKENS_THRESHOLDS, tokensRecall } from './tokens';

export type Thresholds = Readonly<Record<string, number>>;

export interface ThresholdedGrader {
  /** As the grader is shipped. */
  readonly shipped: Thresholds;
  /** In a fixed order, the shipped ones first: the first of equally good ones is taken. */
  readonly choices: readonly Thresholds[];
  /** Looks at an answer once; the result says yes or no for any thresholds. */
  examine(answer: GradedAnswer): (thresholds: Thresholds) => boolean;
}

const F1_MINIMUM = 0.5;
const NONE: Thresholds = {};

const plain = (grader: AnswerGrader): ThresholdedGrader => ({
  shipped: NONE,
  choices: [NONE],
  examine: (answer) => {
    const yes = grade(grader, answer) === 1;
    return () => yes;
  },
});

const THRESHOLDED: Readonly<Record<AnswerGrader, ThresholdedGrader>> = {
  exact: plain('exact'),
  contains: plain('contains'),
  f1: {
    shipped: { minimum: F1_MINIMUM },
    choices: [F1_MINIMUM, ...steps(0.05, 1, 0.05)].map((minimum) => ({ minimum })),
    examine: (answer) => {
      const f1 = grade('f1', answer);
      return ({ minimum = F1_MINIMUM }) => f1 >= minimum;
    },
  },
  tokens: {
    shipped: { ...TOKENS_THRESHOLDS },
    // more than half, a third, half, two thirds, three quarters, all
    choices: [TOKENS_THRESHOLDS.minimum, 0.33, 0.5, 0.66, 0.75, 1].map((minimum) => ({ minimum })),
    examine: (answer) => {
      const recall = answer.answer.trim() === '' ? 0 : tokensRecall(answer);
      return ({ minimum = TOKENS_THRESHOLDS.minimum }) => recall > 0 && recall >= minimum;
    },
  },
};

export function thresholdedGrader(grader: AnswerGrader): ThresholdedGrader {
  return THRESHOLDED[grader];
}

/** from, from + step, ..., to; each with no more digits than it needs. */
function steps(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.round((to - from) / step) + 1 }, (_, i) => Number((from + i * step).toFixed(6)));
}
