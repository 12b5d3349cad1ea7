/**
 * Agreement of a grader with the verdicts recorded in a results file, over baseline and adapter answers alike.
 * Source: reference results (GPT-4.1 verdicts).
 */
import { type Agreement, type JudgedAnswer, agreementOf } from './graders/agreement';
import { type AnswerGrader, grade } from './graders/grade';
import { badField } from './bad-field';
import { parseReferenceResults } from './reference-results';
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
  const judged: JudgedAnswer[] = [];
  const distinct = new Map<string, JudgedAnswer[]>();
  for (const article of parseReferenceResults(json, where).articles) {
    for (const completion of article.completions) {
      for (const row of completion.questions) {
        const answers = [
          { answer: row.baseline_answer, verdict: row.baseline_correct },
          { answer: row.adapter_answer, verdict: row.adapter_correct },
        ];
        for (const { answer, verdict } of answers) {
          const graded = grade(grader, { question: row.question, goldAnswer: row.answer, answer }) === 1;
          const key = JSON.stringify([row.question, row.answer, answer]);
          judged.push({ graded, verdict });
          distinct.set(key, [...(distinct.get(key) ?? []), { graded, verdict }]);
        }
      }
    }
  }
  if (judged.length === 0) throw badField(where, ['articles'], 'completions with answered questions', json);
  const groups = [...distinct.values()];
  return {
    grader,
    ...agreementOf(judged),
    distinctAnswers: groups.length,
    distinctAgreement: mean(groups.map((group) => agreementOf(group).agreement)),
  };
}
