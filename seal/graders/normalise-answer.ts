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
  return withoutPunctuation(answer, (text) => text.replace(PUNCTUATION, ''));
}

/** The same with punctuation as a space, but for the separators of a number: "20th-century" has two words, "1,995.5" one. */
export function partedAnswer(answer: string): string {
  return withoutPunctuation(answer, (text) =>
    text.replace(NUMBERS, (some) => (NUMBER.test(some) ? some : some.replace(PUNCTUATION, ' '))).replace(PUNCTUATION_BUT_SEPARATORS, ' '),
  );
}

/** Digits with dots or commas between them. */
const NUMBERS = /(?<!\d|\d[.,])\d+(?:[.,]\d+)+/g;
/** 1,234,567.8 or 1.234.567,8; 3.14 or 3,5. What else is written so is several numbers: a date, a list. */
const NUMBER = /^(?:\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,3}(?:\.\d{3})+(?:,\d+)?|\d+\.\d+|\d+,\d{1,2})$/;
const PUNCTUATION_BUT_SEPARATORS = new RegExp(`(?!(?<=\\d)[.,]\\d)${PUNCTUATION.source}`, 'gu');

function withoutPunctuation(answer: string, remove: (text: string) => string): string {
  const lowerCase = answer.toLowerCase();
  const bare = singleSpaced(remove(lowerCase).replace(ARTICLES, ' '));
  return bare === '' ? singleSpaced(lowerCase) : bare;
}

function singleSpaced(text: string): string {
  return text.replace(/\s+/gu, ' ').trim();
}
