/**
 * Agreement of a grader with the verdicts recorded in a results file.
 * Source: reference results (GPT-4.1 verdicts).
 */
import { type Agreement, type JudgedAnswer, agreementOf } from '../seal/graders/agreement';
import { type AnswerGrader, grade, isYes } from '../seal/graders/grade';
import type { RecordedAnswer } from './recorded-verdicts';
import { type Cluster, clusteredStandardError, mean } from '../seal/statistics/statistics';

/** What `grade` prints. */
export interface GraderAgreement extends Agreement {
  readonly grader: AnswerGrader;
  readonly passages: number;
  /** Of `agreement`; answers about one passage are alike, so passages are the independent units. NaN for one passage. */
  readonly standardError: number;
  /** Different (question, gold answer, answer) triples among the n: greedy answers recur in every repeat. */
  readonly distinctAnswers: number;
  /**
   * Mean over distinct answers of the share of their verdicts that the grader agrees with: every answer counts once.
   */
  readonly distinctAgreement: number;
  readonly distinctStandardError: number;
}

/** @throws RangeError for no answers */
export function graderAgreement(answers: readonly RecordedAnswer[], grader: AnswerGrader): GraderAgreement {
  return { grader, ...agreementWith(answers, (answer) => isYes(grade(grader, answer))) };
}

/** @throws RangeError for no answers */
export function agreementWith<Answer extends RecordedAnswer>(
  answers: readonly Answer[],
  saysYes: (answer: Answer) => boolean,
): Omit<GraderAgreement, 'grader'> {
  const judged = answers.map((answer) => {
    const graded = saysYes(answer);
    return { ...answer, graded, agreed: shareAgreed(answer, graded) };
  });
  const passages = new Set(answers.map(({ contextId }) => contextId));
  const clusters = (weightOf: (answer: RecordedAnswer) => number): readonly Cluster[] => {
    const ofPassage = new Map([...passages].map((passage) => [passage, { sum: 0, weight: 0 }]));
    for (const answer of judged) {
      const cluster = ofPassage.get(answer.contextId)!;
      cluster.sum += weightOf(answer) * answer.agreed;
      cluster.weight += weightOf(answer);
    }
    return [...ofPassage.values()];
  };
  return {
    ...agreementOf(judged.flatMap(({ graded, verdicts }) => verdicts.map((verdict): JudgedAnswer => ({ graded, verdict })))),
    passages: passages.size,
    standardError: clusteredStandardError(clusters(({ verdicts }) => verdicts.length)),
    distinctAnswers: answers.length,
    distinctAgreement: mean(judged.map(({ agreed }) => agreed)),
    distinctStandardError: clusteredStandardError(clusters(() => 1)),
  };
}

/** The share of an answer's verdicts that a yes, or a no, agrees with. */
export function shareAgreed({ verdicts }: RecordedAnswer, yes: boolean): number {
  return verdicts.filter((verdict) => verdict === yes).length / verdicts.length;
}
