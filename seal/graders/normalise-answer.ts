/**
 * The normal form in which two short answers are compared: lower case, no punctuation, no English articles, single
 * spaces.
 * Source: the evaluation script of SQuAD 1.1.
 *
 * Departures: punctuation is Unicode's, not only ASCII's, because real passages write "1750–1840" and “so”; and a
 * text that is nothing but articles and punctuation ("The", "?") keeps its lower-case form, so that it is not equal
 * to silence.
 */
const PUNCTUATION = /[\p{P}$+<=>^`|~]/gu;
const ARTICLES = /(?<![\p{L}\p{N}_])(?:a|an|the)(?![\p{L}\p{N}_])/gu;

export function normaliseAnswer(answer: string): string {
  const lowerCase = answer.toLowerCase();
  const bare = singleSpaced(lowerCase.replace(PUNCTUATION, '').replace(ARTICLES, ' '));
  return bare === '' ? singleSpaced(lowerCase) : bare;
}

function singleSpaced(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}
