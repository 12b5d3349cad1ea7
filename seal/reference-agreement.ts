/**
 * Agreement of a grader with the verdicts recorded in a results file.
 * Source: reference results (GPT-4.1 verdicts).
 */
import { type Agreement, type JudgedAnswer, agreementOf } from './graders/agreement';
import { type AnswerGrader, grade, isYes } from './graders/grade';
import { type RecordedAnswer, recordedVerdicts } from './recorded-verdicts';
import { mean } from './statistics';

/** What `grade` prints. */
export interface GraderAgreement extends Agreement {
  readonly grader: AnswerGrader;
  /** Different (question, gold answer, answer) triples among the n: greedy answers recur in every repeat. */
  readonly distinctAnswers: number;
  /**
   * Mean over distinct answers of the share of their verdicts that the grader agrees with: every answer counts once.
   */
  readonly distinctAgreement: number;
}

/** @throws BadInputError for a malformed file or one without answers */
export function gradeReferenceResults(json: unknown, where: string, grader: AnswerGrader): GraderAgreement {
  const answers = recordedVerdicts(json, where);
  return { grader, ...agreementWith(answers, (answer) => isYes(grade(grader, answer))) };
}

/** @throws RangeError for no answers */
export function agreementWith<Answer extends RecordedAnswer>(
  answers: readonly Answer[],
  gradeOf: (answer: Answer) => boolean,
): Agreement & Pick<GraderAgreement, 'distinctAnswers' | 'distinctAgreement'> {
  const judged = answers.map((answer): JudgedAnswer[] => {
    const graded = gradeOf(answer);
    return answer.verdicts.map((verdict) => ({ graded, verdict }));
  });
  return {
    ...agreementOf(judged.flat()),
    distinctAnswers: answers.length,
    distinctAgreement: mean(judged.map((verdicts) => agreementOf(verdicts).agreement)),
  };
}
