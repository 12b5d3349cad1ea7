import type { Passage } from '../../../../seal/domains/knowledge/passage';
import { sharedJson, testWith } from '../../shared-data';
import { selfEditLines, trainingRow, trainingRows } from '../../../../seal/domains/knowledge/training-rows';

test.each<[string, string, string[]]>([
  ['every non-empty line', '1. One.\n\n2. Two.  \n', ['1. One.', '2. Two.']],
  [
    'a lead-in before a numbered list is dropped',
    'Here are some implications:\n1. One.\n2. Two.',
    ['1. One.', '2. Two.'],
  ],
  ['blank lines do not hide a lead-in', 'Implications:\n\n 1. One.', ['1. One.']],
  [
    'a first line is kept when the list does not follow at once',
    'One.\nTwo.\n1. Three.',
    ['One.', 'Two.', '1. Three.'],
  ],
  ['10. is not 1.', 'Nine.\n10. Ten.', ['Nine.', '10. Ten.']],
  ['segments at ---', 'One.\n---\nTwo. --- Three.', ['One.', 'Two.', 'Three.']],
  ['longer rules leave no stray dashes', 'One.\n-----\nTwo. ----- Three.', ['One.', 'Two.', 'Three.']],
  ['each segment has its own lead-in', 'Set A:\n1. One.\n---\nSet B:\n1. Two.', ['1. One.', '1. Two.']],
  ['bullets keep their dash', '- One.\n- Two.', ['- One.', '- Two.']],
  ['lines without letter or digit are no rows', 'One.\n***\n- \nTwo.', ['One.', 'Two.']],
  ['any kind of line end', 'One.\r\nTwo.\rThree.', ['One.', 'Two.', 'Three.']],
  [
    'self-QA: before every question',
    'Question 1: Who?\nAnswer: I.\n\nQuestion 2: What?\nAnswer: It.',
    ['Question 1: Who?\nAnswer: I.', 'Question 2: What?\nAnswer: It.'],
  ],
  [
    'self-QA whose first question stood in the prompt',
    'Who?\nAnswer: I.\nQuestion 2: What?\nAnswer: It.',
    ['Who?\nAnswer: I.', 'Question 2: What?\nAnswer: It.'],
  ],
  [
    'a question mentioned in a line splits nothing',
    'He asked Question 2: why.\nTwo.',
    ['He asked Question 2: why.', 'Two.'],
  ],
  ['nothing', '\n \n---\n', []],
])('%s', (_, text, lines) => {
  expect(selfEditLines(text)).toEqual(lines);
});

const context: Passage = {
  title: 'Estonian',
  context: 'First line.\nSecond line.',
  questions: [{ question: 'q', answer: 'a' }],
};

test('a row is title, newline, line and EOS; the loss falls on all of it or on line and EOS', () => {
  expect(trainingRow('T', 'line', 'all')).toEqual({ text: 'T\nline', endsWithEos: true });
  expect(trainingRow('T', 'line', 'completion')).toEqual({ prompt: 'T\n', completion: 'line', endsWithEos: true });
});

test('the passage is the last row, whole, where it is included', () => {
  const lines = ['One.', 'Two.'];
  expect(trainingRows(context, lines, { lossOn: 'all', includePassage: true })).toEqual([
    { text: 'Estonian\nOne.', endsWithEos: true },
    { text: 'Estonian\nTwo.', endsWithEos: true },
    { text: 'Estonian\nFirst line.\nSecond line.', endsWithEos: true },
  ]);
  expect(trainingRows(context, lines, { lossOn: 'completion', includePassage: false })).toEqual([
    { prompt: 'Estonian\n', completion: 'One.', endsWithEos: true },
    { prompt: 'Estonian\n', completion: 'Two.', endsWithEos: true },
  ]);
});

test('asked for questions, a completion is cut before each and nowhere else', () => {
  const lines = ['Who?\nAnswer:\n1. I.\n2. You.', 'Question 2: What?\nAnswer: It.'];
  expect(selfEditLines(lines.join('\n'), true)).toEqual(lines);
  expect(selfEditLines('Who?\nAnswer: I.', true)).toEqual(['Who?\nAnswer: I.']);
});

/** Rows of the self-edits that Qwen2.5-7B wrote to the prompt `implications`, the passage included. */
function rowsOfRecorded(completions: readonly string[]): { meanRows: number; fewest: number; most: number } {
  const counts = completions.map((completion) => selfEditLines(completion).length + 1);
  return { meanRows: counts.reduce((a, b) => a + b) / counts.length, fewest: Math.min(...counts), most: Math.max(...counts) };
}

testWith('seal/rank_iter0.json')('the 250 recorded self-edits of an epoch: about 8.6 rows each, as the reference counts', () => {
  const { articles } = sharedJson('seal/rank_iter0.json') as { articles: { completions: { text: string }[] }[] };
  const texts = articles.flatMap(({ completions }) => completions.map(({ text }) => text));
  expect(texts).toHaveLength(250);
  expect(rowsOfRecorded(texts)).toEqual({ meanRows: 8.732, fewest: 4, most: 67 });
});

testWith('seal/iter0_train.json')('of the 1000 recorded ones, a single line is no row: a stray table border', () => {
  const passages = sharedJson('seal/iter0_train.json') as { completions: string[] }[];
  const texts = passages.flatMap(({ completions }) => completions);
  expect(texts).toHaveLength(1000);
  expect(rowsOfRecorded(texts)).toEqual({ meanRows: 8.992, fewest: 4, most: 77 });
  const written = texts.flatMap((text) => text.split('\n').map((line) => line.trim()).filter((line) => line !== ''));
  const rows = texts.flatMap((text) => selfEditLines(text));
  expect(written.length - rows.length).toBe(1);
  expect(written.filter((line) => !/[\p{L}\p{N}]/u.test(line))).toEqual(['|']);
});
