/**
 * How well a grader's thresholds carry over to passages they were not chosen on: each fold of passages is judged with the
 * thresholds that agree best with the verdicts on all other folds. Answers about one passage are alike, so folds and
 * standard errors are by passage.
 * Departure: not in the paper, which asks GPT-4.1 for every verdict.
 */
import { BadInputError } from '../campaign/errors';
import type { AnswerGrader } from '../seal/graders/grade';
import { type Thresholds, thresholdedGrader } from '../seal/graders/thresholds';
import type { RecordedAnswer } from './recorded-verdicts';
import { agreementWith, type GraderAgreement, shareAgreed } from './reference-agreement';

export interface FoldResult {
  /** From 1. */
  readonly fold: number;
  readonly contexts: readonly string[];
  /** Chosen on the other folds; empty for a grader that has none. */
  readonly thresholds: Thresholds;
  readonly n: number;
  readonly distinctAnswers: number;
  /** On this fold. */
  readonly agreement: number;
  readonly distinctAgreement: number;
}

/** What `grade --cross-validate` prints. */
export interface CrossValidation extends GraderAgreement {
  readonly folds: readonly FoldResult[];
}

interface Examined extends RecordedAnswer {
  readonly fold: number;
  readonly saysYes: (thresholds: Thresholds) => boolean;
}

/**
 * Passages in the order of their ids are dealt to the folds in turn. Thresholds are chosen by agreement over distinct
 * answers, so that a greedy answer recorded fifteen times counts once; among equals the shipped ones, then the first.
 *
 * @param where the file, for messages
 * @throws BadInputError for fewer passages than folds
 */
export function crossValidate(answers: readonly RecordedAnswer[], where: string, grader: AnswerGrader, folds: number): CrossValidation {
  const passages = [...new Set(answers.map(({ contextId }) => contextId))].sort();
  if (folds < 2 || passages.length < folds) {
    throw new BadInputError({ where, expected: `at least ${Math.max(folds, 2)} passages for ${folds} folds`, got: String(passages.length) });
  }
  const thresholded = thresholdedGrader(grader);
  const foldOf = new Map(passages.map((passage, i) => [passage, i % folds]));
  const examined = answers.map((answer): Examined => ({ ...answer, fold: foldOf.get(answer.contextId)!, saysYes: thresholded.examine(answer) }));
  const chosen = Array.from({ length: folds }, (_, fold) => bestThresholds(examined.filter((one) => one.fold !== fold), thresholded.choices));
  const verdict = (answer: Examined): boolean => answer.saysYes(chosen[answer.fold]!);
  return {
    grader,
    folds: chosen.map((thresholds, fold) => {
      const own = examined.filter((one) => one.fold === fold);
      const { n, distinctAnswers, agreement, distinctAgreement } = agreementWith(own, (one) => one.saysYes(thresholds));
      const contexts = passages.filter((passage) => foldOf.get(passage) === fold);
      return { fold: fold + 1, contexts, thresholds, n, distinctAnswers, agreement, distinctAgreement };
    }),
    ...agreementWith(examined, verdict),
  };
}

function bestThresholds(answers: readonly Examined[], choices: readonly Thresholds[]): Thresholds {
  let best = { thresholds: choices[0]!, agreement: -1 };
  for (const thresholds of choices) {
    const agreement = answers.reduce((sum, answer) => sum + shareAgreed(answer, answer.saysYes(thresholds)), 0);
    if (agreement > best.agreement + 1e-9) best = { thresholds, agreement };
  }
  return best.thresholds;
}
