/** Abbreviations by initials: "imf" for "international monetary fund". */
import type { StemmedWord } from './word-stem';

const SHORTEST = 2;
const LONGEST = 6;

/** The initials of every run of two to six words, with the words they stand for. */
export function abbreviationsOf(words: readonly StemmedWord[]): Map<string, readonly StemmedWord[]> {
  const runs = new Map<string, readonly StemmedWord[]>();
  words.forEach((_, start) => {
    for (let length = SHORTEST; length <= LONGEST && start + length <= words.length; length++) {
      const run = words.slice(start, start + length);
      runs.set(run.map(({ word }) => word[0]!).join(''), run);
    }
  });
  return runs;
}
