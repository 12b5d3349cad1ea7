/**
 * `exact`: the answer is the gold answer, after normalisation.
 * Departure: the paper asks GPT-4.1 for a verdict; this grader needs no second model and fits models that answer in
 * few words.
 */
import { normaliseAnswer } from './normalise-answer';

export function exactGrade(goldAnswer: string, answer: string): 0 | 1 {
  return normaliseAnswer(answer) === normaliseAnswer(goldAnswer) ? 1 : 0;
}
