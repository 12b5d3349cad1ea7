/**
 * `contains`: the normalised gold answer stands somewhere in the normalised answer, as a run of characters. Fits models
 * that answer in sentences. An inflected form ("German" in "Germans") counts; a reordered or partial answer does not.
 * Departure: stands in for the paper's GPT-4.1 verdict, with which it agrees on 84.3 % of the reference's recorded
 * answers.
 */
import { normaliseAnswer } from './normalise-answer';

export function containsGrade(goldAnswer: string, answer: string): 0 | 1 {
  return normaliseAnswer(answer).includes(normaliseAnswer(goldAnswer)) ? 1 : 0;
}
