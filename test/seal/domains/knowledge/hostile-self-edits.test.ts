import fc from 'fast-check';
import type { Passage } from '../../../../seal/domains/knowledge/passage';
import type { ParsedSelfEdit } from '../../../../seal/domains/domain';
import { parseSelfEdit, type SelfEditSettings } from '../../../../seal/domains/knowledge/self-edit';

const context: Passage = {
  title: 'Miravel',
  context: 'Carts of wool leave the market.',
  questions: [{ question: 'q', answer: 'a' }],
};
const limits = { learningRate: [1e-5, 1e-2], trainEpochs: [1, 20], maxRows: 50, maxRowTokens: 100, activitySeconds: 60, checkpointSeconds: 60 } as const;
const settingsOf = (prompt: SelfEditSettings['proposals']['prompt'], lossOn: 'all' | 'completion'): SelfEditSettings => ({
  proposals: { prompt },
  innerLoop: { lossOn, includePassage: true },
  limits: { ...limits, learningRate: [...limits.learningRate], trainEpochs: [...limits.trainEpochs] },
});
const settings = settingsOf('implications', 'all');

/** A row is at most this long: title, newline and maxRowTokens of at most 16 characters, or the passage. */
const LONGEST_ROW = 100 * 16 + context.title.length + 1;

/** What every result keeps to, whatever was written. */
function expectSound(parsed: ParsedSelfEdit, { innerLoop }: SelfEditSettings): void {
  if (!parsed.accepted) {
    expectOneLine(parsed.reason);
    return;
  }
  const { rows, directives, notes } = parsed;
  expect(rows.length).toBeGreaterThanOrEqual(2);
  expect(rows.length).toBeLessThanOrEqual(limits.maxRows + 1);
  const onAll = (directives.lossOn ?? innerLoop.lossOn) === 'all';
  for (const row of rows) {
    const text = 'text' in row ? row.text : `${row.prompt}${'completion' in row ? row.completion : ''}`;
    expect('text' in row).toBe(onAll);
    expect(text.startsWith('Miravel\n')).toBe(true);
    expect(text.slice('Miravel\n'.length).trim()).not.toBe('');
    expect(text.length).toBeLessThanOrEqual(LONGEST_ROW);
  }
  const { learningRate = 1e-3, trainEpochs = 1 } = directives;
  expect(learningRate >= limits.learningRate[0] && learningRate <= limits.learningRate[1]).toBe(true);
  expect(Number.isInteger(trainEpochs) && trainEpochs >= 1 && trainEpochs <= 20).toBe(true);
  notes.forEach(expectOneLine);
}

function expectOneLine(text: string): void {
  expect(text).toMatch(/^[^\p{Cc}\p{Cs}\u2028\u2029\u202e]{1,1000}$/u);
}

/** Pieces that mean something to the parser, in any order, with anything between. */
const piece = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('---', '-', '\n', '\r\n', '\r', '\u2028', '\u0085', '\ufeff', '\u0000', '\ufffd', '\ud83d', '\udc11', ' ', '\t', '1. ', 'Question 1:', 'Answer: ', 'wool', '{', '}', '"', '[]', '\u202e'),
  fc.constantFrom(
    '{"learning_rate": 1e-3}',
    '{"learning_rate": 1e999}',
    '{"learning_rate": -0}',
    '{"num_train_epochs": 1e308, "loss_on": "all"}',
    '{"loss_on": "completion"}',
    '{"__proto__": {"loss_on": "completion"}}',
    '{"constructor": 1}',
    '{"learning_rate": {"toString": 1}}',
    '{"loss_on": "\\ud83d"}',
  ),
);
const selfEdit = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));
const anySettings = fc
  .record({ prompt: fc.constantFrom('implications' as const, 'self-qa' as const), lossOn: fc.constantFrom('all' as const, 'completion' as const) })
  .map(({ prompt, lossOn }) => settingsOf(prompt, lossOn));

test('any text is accepted with rows inside the limits, or rejected in one line', () => {
  fc.assert(
    fc.property(selfEdit, anySettings, (text, some) => {
      expectSound(parseSelfEdit({ text }, context, some), some);
    }),
    { numRuns: 2000 },
  );
});

test('any JSON in the first line is understood or rejected, and never reaches a row', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('learning_rate', 'num_train_epochs', 'loss_on', '__proto__')), fc.jsonValue(), { maxKeys: 4 }), (json) => {
      const line = JSON.stringify(json);
      const parsed = parseSelfEdit({ text: `${line}\nMiravel sells wool.` }, context, settings);
      expectSound(parsed, settings);
      const known = Object.keys(json).every((key) => ['learning_rate', 'num_train_epochs', 'loss_on'].includes(key));
      if (parsed.accepted) {
        expect(known).toBe(true);
        expect(parsed.rows).toHaveLength(2);
      }
    }),
    { numRuns: 1000 },
  );
});

test('the same text gives the same result', () => {
  fc.assert(
    fc.property(selfEdit, (text) => {
      expect(parseSelfEdit({ text }, context, settings)).toEqual(parseSelfEdit({ text }, context, settings));
    }),
  );
});

describe('a text of a megabyte ends in time, within the limits', () => {
  const LIMIT_MS = 10_000;
  const SIZE = 1_000_000;
  const repeated = (unit: string): string => unit.repeat(Math.ceil(SIZE / unit.length));

  test.each([
    ['one line', repeated('wool ')],
    ['one word', repeated('wool')],
    ['short lines', repeated('a\n')],
    ['empty lines', `a${repeated('\n')}b`],
    ['empty lines first', `${repeated('\r\n')}{"loss_on": "all"}\nwool`],
    ['blanks before every line', repeated(`${' '.repeat(1000)}\n`)],
    ['blanks before a question', `Question 1: a\n${repeated(' ')}Question 2`],
    ['questions', repeated('Question 1: a\n')],
    ['a question number without end', `Question ${repeated('1')}`],
    ['dashes', `a${repeated('-')}b`],
    ['separators', repeated('a---')],
    ['pairs of dashes', repeated('a--')],
    ['numbered lines', repeated('1. a\n')],
    ['control characters', repeated('\u0000')],
    ['replacement characters among letters', repeated('aaaaaaaaaaaaaaaaaaaa\ufffd')],
    ['half surrogates', repeated('\ud83d')],
    ['no letter', repeated('1 ')],
    ['nested objects', `${'{"a":'.repeat(SIZE / 5)}1${'}'.repeat(SIZE / 5)}\nwool`],
    ['nested lists', `{"learning_rate":${'['.repeat(SIZE / 2)}${']'.repeat(SIZE / 2)}}\nwool`],
    ['open braces', repeated('{')],
    ['a long key', `{"${repeated('a')}": 1}\nwool`],
    ['a long value', `{"loss_on": "${repeated('a')}"}\nwool`],
    ['a long number', `{"num_train_epochs": ${repeated('9')}}\nwool`],
    ['many keys', `{${Array.from({ length: SIZE / 12 }, (_, i) => `"k${i}": 1`).join(', ')}}\nwool`],
    ['one key again and again', `{${repeated('"loss_on": "all", ')}"loss_on": "all"}\nwool`],
  ])(
    '%s',
    (_name, text) => {
      for (const prompt of ['implications', 'self-qa'] as const) {
        const some = settingsOf(prompt, 'completion');
        expectSound(parseSelfEdit({ text }, context, some), some);
      }
    },
    LIMIT_MS,
  );
});
