/**
 * `judge`: another model compares the answer with the gold answer and says yes or no.
 * Source: paper, "Knowledge Incorporation", evaluation: GPT-4.1 judges; an empty answer and an ambiguous verdict are no.
 *
 * Departures: the wording of the question is ours; a reply that was cut off is no verdict, unless the cut comes after its line.
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

const LINE_END = /[\n\r]/;

export type Verdict = 'yes' | 'no' | 'ambiguous';

/** A judge's reply: its first line that has a word says yes, or no, and not both. A base model writes on below it. */
export function parseVerdict(reply: string): Verdict {
  const line = reply.split(LINE_END).find(hasWord) ?? '';
  const words = new Set(line.toLowerCase().match(/\p{L}+/gu));
  if (words.has('yes') === words.has('no')) return 'ambiguous';
  return words.has('yes') ? 'yes' : 'no';
}

/** Of a reply that was cut off: whether its first line that has a word is over, and says clearly yes or no. */
export function isVerdictWhole(reply: string): boolean {
  const lines = reply.split(LINE_END);
  return lines.slice(0, -1).some(hasWord) && parseVerdict(reply) !== 'ambiguous';
}

/** 1 for a clear yes. */
export function verdictGrade(reply: string): 0 | 1 {
  return parseVerdict(reply) === 'yes' ? 1 : 0;
}

/** Nothing was said, or there is nothing to compare it with: wrong without asking, as with every grader. */
export function needsNoJudge({ goldAnswer, answer }: Pick<GradedAnswer, 'goldAnswer' | 'answer'>): boolean {
  return answer.trim() === '' || goldAnswer.trim() === '';
}

function hasWord(line: string): boolean {
  return /\p{L}/u.test(line);
}
