import fc from 'fast-check';
import { GRADERS } from '../../../campaign/campaign-spec';
import { grade, isAnswerGrader, isYes } from '../../../seal/graders/grade';

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
  ['German', 'Germans', 0, 0],
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

const text = fc.string({ unit: 'grapheme' });
const words = fc
  .array(fc.constantFrom('wool', 'The', 'Vel', '1,750', 'nine', 'not', 'rather than', 'Q:', 'who', 'how many', 'IMF', 'Orn.', 'per cent', '?'))
  .map((some) => some.join(' '));
const anyText = fc.oneof(text, words);

describe.each(GRADERS.filter(isAnswerGrader))('%s', (grader) => {
  test('a grade is from 0 to 1, and only f1 gives anything between', () => {
    fc.assert(
      fc.property(anyText, anyText, anyText, (question, goldAnswer, answer) => {
        const given = grade(grader, { question, goldAnswer, answer });
        expect(given).toBeGreaterThanOrEqual(0);
        expect(given).toBeLessThanOrEqual(1);
        if (grader !== 'f1') expect([0, 1]).toContain(given);
      }),
    );
  });

  test('the gold answer itself is right, a blank answer wrong, an exact answer never wrong', () => {
    fc.assert(
      fc.property(
        anyText,
        anyText.filter((gold) => gold.trim() !== ''),
        anyText,
        (question, goldAnswer, answer) => {
          expect(grade(grader, { question, goldAnswer, answer: goldAnswer })).toBe(1);
          expect(grade(grader, { question, goldAnswer, answer: ' \n' })).toBe(0);
          if (grade('exact', { question, goldAnswer, answer }) === 1) expect(grade(grader, { question, goldAnswer, answer })).toBe(1);
        },
      ),
    );
  });

  test('case and white space do not matter', () => {
    fc.assert(
      fc.property(words, words, words, (question, goldAnswer, answer) => {
        const loud = (some: string): string => ` ${some.toUpperCase().replaceAll(' ', ' \n\t')} `;
        expect(grade(grader, { question: loud(question), goldAnswer: loud(goldAnswer), answer: loud(answer) })).toBe(
          grade(grader, { question, goldAnswer, answer }),
        );
      }),
    );
  });
});

test.each([
  [0, false],
  [0.49, false],
  [0.5, true],
  [1, true],
])('a grade of %d as a yes: %s', (given, expected) => {
  expect(isYes(given)).toBe(expected);
});

test.each([
  ['exact', true],
  ['contains', true],
  ['f1', true],
  ['tokens', true],
  ['logprob', false],
  ['judge', false],
  ['toString', false],
])('isAnswerGrader(%s) is %s', (name, expected) => {
  expect(isAnswerGrader(name)).toBe(expected);
});
