/**
 * Yes/no grading of a closed-book answer.
 * Source: paper, "Knowledge Incorporation", evaluation; an empty answer is wrong.
 */
import type { GraderName } from '../../contracts/campaign-spec';
import { containsGrade } from './contains';
import { exactGrade } from './exact';

/** Graders that judge a generated answer; `logprob` scores the gold answer instead and generates nothing. */
export type AnswerGrader = Exclude<GraderName, 'logprob'>;

export interface GradedAnswer {
  readonly question: string;
  readonly goldAnswer: string;
  readonly answer: string;
}

const ANSWER_GRADERS: Readonly<Record<AnswerGrader, (goldAnswer: string, answer: string) => 0 | 1>> = {
  exact: exactGrade,
  contains: containsGrade,
};

export function isAnswerGrader(name: string): name is AnswerGrader {
  return Object.hasOwn(ANSWER_GRADERS, name);
}

/** 1 when the answer is right; 0 when it is wrong or blank, or when there is no gold answer to compare it with. */
export function grade(grader: AnswerGrader, { goldAnswer, answer }: GradedAnswer): 0 | 1 {
  if (answer.trim() === '' || goldAnswer.trim() === '') return 0;
  return ANSWER_GRADERS[grader](goldAnswer, answer);
}
