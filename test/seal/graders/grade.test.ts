import fc from 'fast-check';
import { grade, isAnswerGrader } from '../../../seal/graders/grade';

// gold, answer, exact, contains
test.each<[string, string, 0 | 1, 0 | 1]>([
  ['wool', 'wool', 1, 1],
  ['wool', 'Wool.', 1, 1],
  ['Age of Enlightenment', 'the Age of Enlightenment', 1, 1],
  ['Age of Enlightenment', 'It was the age of “Enlightenment”!', 0, 1],
  ['1750–1840', '1750-1840', 1, 1],
  ['8–10', '810', 1, 1],
  ['Danes and Germans', 'Germans and Danes', 0, 0],
  ['Germans', 'German', 0, 0],
  ['German', 'Germans', 0, 1],
  ['wool', '', 0, 0],
  ['wool', ' \n', 0, 0],
  ['The', '', 0, 0],
  ['The', 'the', 1, 1],
  ['?', '!', 0, 0],
  ['New\tYork', 'New  York', 1, 1],
  ['Ñandú', 'ñandú', 1, 1],
  ['Anthem', 'them', 0, 0],
  ['', '', 0, 0],
  [' ', 'wool', 0, 0],
])('gold %j, answer %j: exact %i, contains %i', (goldAnswer, answer, exact, contains) => {
  expect(grade('exact', { question: 'q', goldAnswer, answer })).toBe(exact);
  expect(grade('contains', { question: 'q', goldAnswer, answer })).toBe(contains);
});

test('the gold answer itself is right, and what is exact is contained', () => {
  const text = fc.string({ unit: 'grapheme' });
  fc.assert(
    fc.property(
      text.filter((gold) => gold.trim() !== ''),
      text,
      (goldAnswer, answer) => {
        expect(grade('exact', { question: '', goldAnswer, answer: goldAnswer })).toBe(1);
        const exact = grade('exact', { question: '', goldAnswer, answer });
        expect(grade('contains', { question: '', goldAnswer, answer })).toBeGreaterThanOrEqual(exact);
      },
    ),
  );
});

test.each([
  ['exact', true],
  ['contains', true],
  ['logprob', false],
  ['toString', false],
])('isAnswerGrader(%s) is %s', (name, expected) => {
  expect(isAnswerGrader(name)).toBe(expected);
});
