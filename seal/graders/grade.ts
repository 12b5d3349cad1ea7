/**
 * Grading of a closed-book answer by rule.
 * Source: paper, "Knowledge Incorporation", evaluation; an empty answer is wrong.
 */
import type { GraderName } from '../../campaign/campaign-spec';
import { containsGrade } from './contains';
import { exactGrade } from './exact';
import { f1Grade } from './f1';
import type { GradedAnswer } from './graded-answer';
import { tokensGrade } from './tokens';

/** Graders that judge a generated answer by rule; `judge` asks another model, `logprob` scores the gold answer instead. */
export type AnswerGrader = Exclude<GraderName, 'logprob' | 'judge'>;

const ANSWER_GRADERS: Readonly<Record<AnswerGrader, (answer: GradedAnswer) => number>> = {
  exact: ({ goldAnswer, answer }) => exactGrade(goldAnswer, answer),
  contains: ({ goldAnswer, answer }) => containsGrade(goldAnswer, answer),
  f1: ({ goldAnswer, answer }) => f1Grade(goldAnswer, answer),
  tokens: (answer) => tokensGrade(answer),
};

export function isAnswerGrader(name: string): name is AnswerGrader {
  return Object.hasOwn(ANSWER_GRADERS, name);
}

/**
 * From 0, wrong, to 1, right; only `f1` gives anything between. 0 for a blank answer, and where there is no gold answer
 * to compare it with.
 */
export function grade(grader: AnswerGrader, answer: GradedAnswer): number {
  if (answer.answer.trim() === '' || answer.goldAnswer.trim() === '') return 0;
  return ANSWER_GRADERS[grader](answer);
}

/** Whether a grade is a yes where only yes or no is possible, as beside a judge's verdict. */
export function isYes(grade: number): boolean {
  return grade >= 0.5;
}
