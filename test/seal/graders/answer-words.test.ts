import { answerWords, isNumber } from '../../../seal/graders/answer-words';

test.each<[text: string, words: string]>([
  ['The Miller’s daughter', 'the miller daughter'],
  ["O'Neill's boat", 'oneill boat'],
  ['Ångström, café', 'angstrom cafe'],
  ['north-west', 'north west'],
  ['1,500 sheep and 12,000,000 bees', '1500 sheep and 12000000 bees'],
  ['nine or Twelfth, seventy', '9 or 12 70'],
  ['the 13th century', 'the 13 century'],
  ['1.5 billion, 1,5 billion, 2 hundred', '1500000000 1500000000 200'],
  ['a million', 'a million'],
  ['20%, 20 per cent, 20 percent', '20 percent 20 percent 20 percent'],
  ['215 BCE, 215 B.C., 215 BC', '215 bc 215 bc 215 bc'],
  ['the U.S. army', 'the us army'],
  ['PS3 v2', 'ps3 v2'],
  ['constructor 3', 'constructor 3'],
  ['?!', ''],
  ['長い 答え', '長い 答え'],
])('%j reads %j', (text, words) => {
  // the accents of a kana are parts of it, in NFKD as elsewhere
  expect(answerWords(text).join(' ')).toBe(words.normalize('NFKD').replace(/\p{M}/gu, ''));
});

test.each([
  ['12', true],
  ['1.5', true],
  ['1.', false],
  ['12th', false],
  ['', false],
])('isNumber(%j) is %s', (word, expected) => {
  expect(isNumber(word)).toBe(expected);
});
