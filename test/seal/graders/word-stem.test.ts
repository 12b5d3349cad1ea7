import { sameStem, sameWord, stemmed } from '../../../seal/graders/word-stem';

const same = (a: string, b: string): boolean => {
  expect(sameWord(stemmed(b), stemmed(a))).toBe(sameWord(stemmed(a), stemmed(b)));
  return sameWord(stemmed(a), stemmed(b));
};

test.each([
  ['ferry', 'ferries'],
  ['connected', 'connections'],
  ['planning', 'plan'],
  ['colour', 'color'],
  ['oestrogen', 'estrogen'],
  ['modernise', 'modernization'],
  ['german', 'germanic'],
  ['12', '12'],
])('%s and %s are the same word', (a, b) => {
  expect(same(a, b)).toBe(true);
});

test.each([
  ['ferry', 'fern'],
  ['cat', 'cattle'],
  ['12', '120'],
  ['12', '12b'],
  ['salt', 'wool'],
])('%s and %s are not', (a, b) => {
  expect(same(a, b)).toBe(false);
});

test('a word that only begins with another has not its stem', () => {
  expect(sameStem(stemmed('harbour'), stemmed('harbours'))).toBe(true);
  expect(sameStem(stemmed('harbour'), stemmed('harbourside'))).toBe(false);
});
