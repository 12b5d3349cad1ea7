import fc from 'fast-check';
import { GRADERS } from '../../../campaign/campaign-spec';
import { grade, isAnswerGrader } from '../../../seal/graders/grade';

/** Far below what a quadratic or exponential grader takes for such a text, far above what a linear one does on a busy machine. */
const LIMIT_MS = 10_000;
const SIZE = 100_000;

const repeated = (unit: string): string => unit.repeat(Math.ceil(SIZE / unit.length));

describe.each(GRADERS.filter(isAnswerGrader))('%s', (grader) => {
  test.each([
    ['one word', repeated('wool')],
    ['one number', repeated('1')],
    ['thousands', repeated('1,000')],
    ['many words', repeated('wool salt ')],
    ['different words', Array.from({ length: SIZE / 6 }, (_, i) => `w${i}`).join(' ')],
    ['different numbers', Array.from({ length: SIZE / 6 }, (_, i) => i).join(' ')],
    ['white space', `a${repeated(' ')}b`],
    ['per and white space', repeated('per     ')],
    ['initials', repeated('a.b.')],
    ['apostrophes', repeated('a’s')],
    ['combining marks', `a${repeated('\u0301')}`],
    ['endings', repeated('ing')],
    ['denials', repeated('rather than ')],
    ['scales', `1 ${repeated('million ')}`],
    ['no words', repeated('?!')],
    ['half surrogates', repeated('\ud800')],
    ['NUL', repeated('\u0000')],
  ])(
    'ends in time on %s',
    (_name, text) => {
      for (const [goldAnswer, answer] of [
        [text, 'wool'],
        ['wool 12', text],
        [text, `${text} and wool`],
      ] as const) {
        const given = grade(grader, { question: text, goldAnswer, answer });
        expect(given >= 0 && given <= 1).toBe(true);
      }
    },
    LIMIT_MS,
  );

  test('any string at all has a grade', () => {
    // lone surrogates included
    const anything = fc.string({ unit: 'binary' });
    fc.assert(
      fc.property(anything, anything, anything, (question, goldAnswer, answer) => {
        const given = grade(grader, { question, goldAnswer, answer });
        expect(given >= 0 && given <= 1).toBe(true);
      }),
    );
  });
});
