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

/** Stems longer than this are the same only as a whole. */
const LONGEST_PREFIX = 64;

export function stemmed(word: string): StemmedWord {
  return { word, stem: isNumber(word) ? word : stemOf(word) };
}

/** Whether one of `words` is the same as a given word; takes time that grows with their number, not with its square. */
export function wordFinder(words: readonly StemmedWord[]): (wanted: StemmedWord) => boolean {
  const stems = new Set(words.map(({ stem }) => stem));
  const sorted = words.map(({ word }) => word).sort();
  return ({ word, stem }) => {
    if (stems.has(stem)) return true;
    if (isNumber(word)) return false;
    const comparable = stem.length >= SHORTEST_PREFIX && stem.length <= LONGEST_PREFIX;
    if (comparable && firstFrom(sorted, stem)?.startsWith(stem) === true) return true;
    for (let length = SHORTEST_PREFIX; length <= Math.min(word.length, LONGEST_PREFIX); length++) {
      const prefix = word.slice(0, length);
      if (stems.has(prefix) && !isNumber(prefix)) return true;
    }
    return false;
  };
}

/** The first of the sorted words that is not before `start`; a word that begins with `start` if there is one. */
function firstFrom(sorted: readonly string[], start: string): string | undefined {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < start) low = middle + 1;
    else high = middle;
  }
  return sorted[low];
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
