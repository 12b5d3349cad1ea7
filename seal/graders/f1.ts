/**
 * `f1`: the harmonic mean of the answer's precision and recall over the gold answer's words, 0..1; not a verdict. It
 * gives a partly right answer part of the mark, and takes some away for every word too many.
 * Source: the evaluation script of SQuAD 1.1 (words that occur n times count n times).
 * Departure: stands in for the paper's yes/no verdict.
 */
import { normaliseAnswer } from './normalise-answer';

export function f1Grade(goldAnswer: string, answer: string): number {
  const gold = normaliseAnswer(goldAnswer).split(' ');
  const said = normaliseAnswer(answer).split(' ');
  const unmatched = new Map<string, number>();
  for (const word of gold) unmatched.set(word, (unmatched.get(word) ?? 0) + 1);
  let shared = 0;
  for (const word of said) {
    const left = unmatched.get(word) ?? 0;
    if (left === 0) continue;
    unmatched.set(word, left - 1);
    shared++;
  }
  // 2 p r / (p + r) with p = shared / said, r = shared / gold
  return (2 * shared) / (said.length + gold.length);
}
