/**
 * `contains`: the normalised gold answer stands somewhere in the normalised answer, as a run of whole words: "5" is not in "1995", nor
 * "no" in "know". Fits models that answer in sentences. A reordered, partial or inflected answer ("Germans" for "German") does not count.
 *
 * Punctuation is taken out, as in SQuAD ("U.S." is "US"), or parts words ("20th-century" has "20th"); one of the two is enough.
 *
 * Departure: stands in for the paper's GPT-4.1 verdict, with which it agrees on 83.5 % of the reference's recorded
 * answers.
 */
import { normaliseAnswer, partedAnswer } from './normalise-answer';
import { spacedWords } from './spaced-words';

export function containsGrade(goldAnswer: string, answer: string): 0 | 1 {
  return [normaliseAnswer, partedAnswer].some((form) => spacedWords(form(answer)).includes(spacedWords(form(goldAnswer)))) ? 1 : 0;
}
