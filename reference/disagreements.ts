/** Answers on which a grader and the recorded judge differ, for a reader to decide between them. */
import { type AnswerGrader, grade, isYes } from '../seal/graders/grade';
import type { RecordedAnswer } from './recorded-verdicts';

export interface Disagreement {
  readonly contextId: string;
  readonly question: string;
  readonly goldAnswer: string;
  readonly answer: string;
  /** What the grader gives, 0..1. */
  readonly grade: number;
  /** What the judge said each time, or most times, it was given. */
  readonly verdict: boolean;
  readonly times: number;
}

export interface DisagreementSample {
  /** Distinct answers that the grader and the judge differ on. */
  readonly total: number;
  /** At most `count` of them, evenly spaced in the file's order. */
  readonly sample: readonly Disagreement[];
}

export function disagreements(answers: readonly RecordedAnswer[], grader: AnswerGrader, count: number): DisagreementSample {
  const all = answers
    .map(({ verdicts, ...answer }): Disagreement => {
      const verdict = verdicts.filter((one) => one).length * 2 > verdicts.length;
      return { ...answer, grade: grade(grader, answer), verdict, times: verdicts.length };
    })
    .filter((answer) => isYes(answer.grade) !== answer.verdict);
  const shown = Math.min(count, all.length);
  return { total: all.length, sample: Array.from({ length: shown }, (_, i) => all[Math.floor((i * all.length) / shown)]!) };
}
