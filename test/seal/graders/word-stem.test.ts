import { stemmed, wordFinder } from '../../../seal/graders/word-stem';

const same = (a: string, b: string): boolean => {
  const others = ['sea', 'zebra', 'Vel'].map(stemmed);
  const found = wordFinder([...others, stemmed(a)])(stemmed(b));
  expect(wordFinder([stemmed(b), ...others])(stemmed(a))).toBe(found);
  return found;
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
  expect(stemmed('harbours').stem).toBe(stemmed('harbour').stem);
  expect(stemmed('harbourside').stem).not.toBe(stemmed('harbour').stem);
});

test('among no words there is none', () => {
  expect(wordFinder([])(stemmed('wool'))).toBe(false);
});

test('very long words are compared as a whole', () => {
  const long = 'wool'.repeat(100);
  expect(same(long, long)).toBe(true);
  expect(same(long, `${long}x`)).toBe(false);
});
