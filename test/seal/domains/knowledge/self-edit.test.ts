import fc from 'fast-check';
import type { Passage } from '../../../../seal/domains/knowledge/passage';
import { parseSelfEdit, type SelfEditSettings } from '../../../../seal/domains/knowledge/self-edit';

const context: Passage = {
  title: 'Miravel',
  context: 'Carts of wool leave the market.',
  questions: [{ question: 'q', answer: 'a' }],
};
const settings: SelfEditSettings = {
  proposals: { prompt: 'implications' },
  innerLoop: { lossOn: 'all', includePassage: true },
  limits: { learningRate: [1e-5, 1e-2], trainEpochs: [1, 20], maxRows: 5, maxRowTokens: 10, activitySeconds: 60, checkpointSeconds: 60 },
};

test('an accepted self-edit has its lines and the passage as rows', () => {
  expect(parseSelfEdit({ text: '- Miravel sells wool.\n- It has a market.\n' }, context, settings)).toEqual({
    accepted: true,
    rows: [
      { text: 'Miravel\n- Miravel sells wool.', endsWithEos: true },
      { text: 'Miravel\n- It has a market.', endsWithEos: true },
      { text: 'Miravel\nCarts of wool leave the market.', endsWithEos: true },
    ],
    directives: {},
    notes: [],
  });
});

test('one question with its answer is one row where questions were asked for, and two lines elsewhere', () => {
  const rows = (proposals: SelfEditSettings['proposals']) => {
    const parsed = parseSelfEdit({ text: 'Who sells wool?\nAnswer: Miravel.' }, context, { ...settings, proposals });
    return parsed.accepted ? parsed.rows.length : parsed.reason;
  };
  expect(rows({ prompt: 'self-qa' })).toBe(2);
  expect(rows({ prompt: 'implications' })).toBe(3);
  expect(rows({ prompt: 'self-qa', template: 'own.txt' })).toBe(3);
});

test('directives set what the rows carry and what the fine-tune uses', () => {
  const text = '{"num_train_epochs": 50, "loss_on": "completion"}\nMiravel sells wool.';
  expect(parseSelfEdit({ text }, context, settings)).toEqual({
    accepted: true,
    rows: [
      { prompt: 'Miravel\n', completion: 'Miravel sells wool.', endsWithEos: true },
      { prompt: 'Miravel\n', completion: 'Carts of wool leave the market.', endsWithEos: true },
    ],
    directives: { trainEpochs: 20, lossOn: 'completion' },
    notes: ['num_train_epochs 50 clamped to 20'],
  });
});

test('loss_on changes where the loss is, not how a row ends', () => {
  const ends = (lossOn: string): unknown => {
    const parsed = parseSelfEdit({ text: `{"loss_on": "${lossOn}"}\nOne.\nTw`, isCutOff: true }, context, settings);
    return parsed.accepted && parsed.rows.map(({ endsWithEos }) => endsWithEos);
  };
  expect(ends('all')).toEqual([true, false, true]);
  expect(ends('completion')).toEqual(ends('all'));
});

test.each<[string, string, SelfEditSettings['proposals']['prompt'], boolean[]]>([
  ['in a line', 'One.\nTw', 'implications', [true, false, true]],
  ['between two lines', 'One.\nTwo.\n', 'implications', [true, true, true]],
  ['between two lines, in blanks', 'One.\n \t', 'implications', [true, true]],
  ['in what is no line yet', 'One.\n- ', 'implications', [true, true]],
  ['behind a separator', 'One.\nTwo. ---', 'implications', [true, true, true]],
  ['in the line behind a separator', 'One.\n---\nTwo. --', 'implications', [true, false, true]],
  ['in its first line', 'On', 'implications', [false, true]],
  ['in an answer', 'Question 1: Who?\nAnswer: I.\nQuestion 2: What?\n', 'implications', [true, false, true]],
  ['in an answer that was asked for', 'Who?\nAnswer: I.\n', 'self-qa', [false, true]],
])('a self-edit that was cut off %s ends no row that it did not finish', (_, text, prompt, ends) => {
  const parsed = parseSelfEdit({ text, isCutOff: true }, context, { ...settings, proposals: { prompt } });
  expect(parsed.accepted && parsed.rows.map(({ endsWithEos }) => endsWithEos)).toEqual(ends);
  const whole = parseSelfEdit({ text }, context, { ...settings, proposals: { prompt } });
  expect(whole.accepted && whole.rows.map(({ endsWithEos }) => endsWithEos)).toEqual(ends.map(() => true));
});

test('a campaign that fixes the steps says that epochs have no effect', () => {
  const fixed = { ...settings, innerLoop: { ...settings.innerLoop, maxSteps: 12 } };
  expect(parseSelfEdit({ text: '{"num_train_epochs": 5}\nOne.' }, context, fixed)).toMatchObject({
    notes: ['num_train_epochs has no effect: the campaign fixes 12 optimiser steps'],
  });
});

test('rows, notes and limits count the self-edit’s own lines: the passage is the campaign’s', () => {
  expect(parseSelfEdit({ text: 'a\nb\nc\nd\ne' }, context, settings)).toMatchObject({ accepted: true });
});

test.each([
  ['empty', '', 'the self-edit is empty'],
  ['blank', ' \n\t\n', 'the self-edit is empty'],
  [
    'replacement characters',
    'The \uFFFD\uFFFD\uFFFD town',
    'the self-edit is garbled: 3 of 12 characters are control or replacement characters',
  ],
  [
    'control characters',
    '\u0000\u0001\u0002abc',
    'the self-edit is garbled: 3 of 6 characters are control or replacement characters',
  ],
  [
    'half a surrogate pair',
    'ab\uD83D',
    'the self-edit is garbled: 1 of 3 characters are control or replacement characters',
  ],
  ['no letters', '1. 2. 3.\n*** 17', 'the self-edit is garbled: it has no letter'],
  ['too many lines', 'a\nb\nc\nd\ne\nf', 'the self-edit has 6 lines, more than limits.maxRows 5'],
  [
    'an absurdly long line',
    `a\n${'word '.repeat(40)}`,
    'line 2 of the self-edit has 199 characters, too many for limits.maxRowTokens 10',
  ],
  ['directives and nothing else', '{"learning_rate": 0.001}\n\n', 'the self-edit has no line to train on'],
  [
    'absurd directives',
    '{"learning_rate": 100}\nOne.',
    'directives: learning_rate: expected about 0.00001 to 0.01, got 100',
  ],
])('%s: rejected with its reason', (_, text, reason) => {
  expect(parseSelfEdit({ text }, context, settings)).toEqual({ accepted: false, reason });
});

test('one stray replacement character in a readable text is not garbled', () => {
  expect(parseSelfEdit({ text: 'Miravel sells wool, and its caf\uFFFD is full.' }, context, settings)).toMatchObject({
    accepted: true,
  });
});

/** What policies write, and worse: words, digits, markup, directive-like lines, broken Unicode. */
const selfEdits = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '1. ',
        '- ',
        '---',
        '\n',
        '\n\n',
        '\r\n',
        'Question 2: ',
        '{',
        '}',
        '{"learning_rate": ',
        '1e400',
        '{}',
        '\uFFFD',
        '\u2028',
        ' ',
      ),
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.lorem({ maxCount: 6 }),
      fc.json({ maxDepth: 1 }),
    ),
    { maxLength: 30 },
  )
  .map((pieces) => pieces.join(''));

test('whatever a policy writes: never throws; rows, notes and reasons stay bounded', () => {
  let accepted = 0;
  fc.assert(
    fc.property(selfEdits, (text) => {
      const parsed = parseSelfEdit({ text }, context, settings);
      const { maxRows, maxRowTokens } = settings.limits;
      if (!parsed.accepted) {
        expect(parsed.reason).not.toMatch(/[\n\r]/);
        expect(parsed.reason.length).toBeLessThan(200);
        return;
      }
      accepted += 1;
      expect(parsed.rows.length).toBeGreaterThanOrEqual(2);
      expect(parsed.rows.length).toBeLessThanOrEqual(maxRows + 1);
      for (const row of parsed.rows.slice(0, -1)) {
        const line = 'text' in row ? row.text.slice(context.title.length + 1) : 'completion' in row ? row.completion : '';
        expect(line.trim()).toBe(line);
        expect(line.length).toBeGreaterThan(0);
        expect(line.length).toBeLessThanOrEqual(maxRowTokens * 16);
        expect(text).toContain(line);
      }
      const { learningRate = 1e-3, trainEpochs = 1 } = parsed.directives;
      expect(learningRate >= 1e-5 && learningRate <= 1e-2).toBe(true);
      expect(Number.isInteger(trainEpochs) && trainEpochs >= 1 && trainEpochs <= 20).toBe(true);
    }),
    { numRuns: 1000, seed: 20261122 },
  );
  expect(accepted).toBeGreaterThan(100);
});
