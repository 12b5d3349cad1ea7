/**
 * Which words `tokens` takes for the same: those with one stem ("connected", "connections"; "colour", "color"), and those
 * that begin with the other's stem of at least four letters ("German" in "Germanic"). Light on purpose: it knows
 * endings, no words. Numbers are the same only if they are equal.
 */
import { isNumber } from './answer-words';

export interface StemmedWord {
  readonly word: string;
  readonly stem: string;
}

const ENDINGS = [
  ...['ization', 'isation', 'ation', 'ations', 'ion', 'ions', 'ment', 'ments', 'ness', 'ing', 'ings', 'edly', 'ed', 'er', 'ers', 'or', 'ors'],
  ...['ist', 'ists', 'ive', 'ives', 'ically', 'ical', 'ic', 'ics', 'al', 'als', 'ially', 'ally', 'ly', 'ities', 'ity', 'ies', 'ied', 'ism'],
  ...['able', 'ible', 'ous', 'es', 's', 'e', 'y'],
].sort((a, b) => b.length - a.length);
const MOST_ENDINGS = 3;
const SHORTEST_STEM = 3;
const SHORTEST_PREFIX = 4;

export function stemmed(word: string): StemmedWord {
  return { word, stem: isNumber(word) ? word : stemOf(word) };
}

export function sameStem(a: StemmedWord, b: StemmedWord): boolean {
  return a.stem === b.stem;
}

export function sameWord(a: StemmedWord, b: StemmedWord): boolean {
  if (sameStem(a, b)) return true;
  if (isNumber(a.word) || isNumber(b.word)) return false;
  const [shorter, longer] = a.stem.length < b.stem.length ? [a, b] : [b, a];
  return shorter.stem.length >= SHORTEST_PREFIX && longer.word.startsWith(shorter.stem);
}

function stemOf(word: string): string {
  // British and American spelling meet: "oestrogen", "labour"
  let stem = word.replace(/ae|oe/g, 'e').replace(/our/g, 'or');
  for (let taken = 0; taken < MOST_ENDINGS; taken++) {
    const ending = ENDINGS.find((one) => stem.endsWith(one));
    if (ending === undefined) break;
    const shorter = stem.slice(0, -ending.length);
    if (shorter.length < (taken === 0 ? SHORTEST_STEM : SHORTEST_PREFIX)) break;
    stem = shorter;
  }
  // "planning": plann -> plan
  return stem.replace(/([^aeiou])\1$/, '$1');
}
