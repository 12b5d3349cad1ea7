/**
 * Where each grader draws the line between yes and no, and where it might: what cross-validation chooses from. `exact`
 * and `contains` have no line to draw.
 */
import { type AnswerGrader, type GradedAnswer, grade } from './grade';
import { TOKENS_THRESHOLDS, tokenEvidence, tokensVerdict } from './tokens';

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
    choices: [
      { ...TOKENS_THRESHOLDS },
      ...steps(0, 0.04, 0.005).flatMap((surplusCost) => steps(0.1, 1, 0.05).map((minimum) => ({ surplusCost, minimum }))),
    ],
    examine: (answer) => {
      const evidence = tokenEvidence(answer);
      return (thresholds) => tokensVerdict(evidence, { ...TOKENS_THRESHOLDS, ...thresholds });
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
