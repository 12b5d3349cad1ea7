/**
 * `judge`: another model compares the answer with the gold answer and says yes or no.
 * Source: paper, "Knowledge Incorporation", evaluation: GPT-4.1 judges; an empty answer and an ambiguous verdict are no.
 *
 * Departure: the wording of the question is ours.
 */
import type { GradedAnswer } from './graded-answer';

/** What the judge is asked. */
export function judgePrompt({ question, goldAnswer, answer }: GradedAnswer): string {
  return [
    'You grade an exam. Does the answer say the same as the correct answer to the question, in whatever words?',
    'Reply with one word, yes or no.',
    '',
    `Question: ${question}`,
    `Correct answer: ${goldAnswer}`,
    `Answer: ${answer.trim()}`,
    '',
    'Verdict (yes or no):',
  ].join('\n');
}

export type Verdict = 'yes' | 'no' | 'ambiguous';

/** A judge's reply: its first line that has a word says yes, or no, and not both. A base model writes on below it. */
export function parseVerdict(reply: string): Verdict {
  const line = reply.split(/[\n\r]/).find((one) => /\p{L}/u.test(one)) ?? '';
  const words = new Set(line.toLowerCase().match(/\p{L}+/gu));
  if (words.has('yes') === words.has('no')) return 'ambiguous';
  return words.has('yes') ? 'yes' : 'no';
}

/** 1 for a clear yes. */
export function verdictGrade(reply: string): 0 | 1 {
  return parseVerdict(reply) === 'yes' ? 1 : 0;
}

/** Nothing was said, or there is nothing to compare it with: wrong without asking, as with every grader. */
export function needsNoJudge({ goldAnswer, answer }: Pick<GradedAnswer, 'goldAnswer' | 'answer'>): boolean {
  return answer.trim() === '' || goldAnswer.trim() === '';
}
