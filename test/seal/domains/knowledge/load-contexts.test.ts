import { BadInputError } from '../../../../campaign/errors';
import { loadContexts } from '../../../../seal/domains/knowledge/load-contexts';
import { knowledgeDomain } from '../../../../seal/domains/knowledge/domain';
import { campaignSpecSchema } from '../../../../campaign/campaign-spec';
import { sharedJson, testWith } from '../../shared-data';

const entry = {
  title: 'Miravel',
  context: 'Carts of wool.',
  questions: [{ question: 'What leaves?', answer: 'wool' }],
};

test('a flat list is read in order; fields of no use here are ignored', () => {
  const json = [
    { ...entry, id: 'x', completions: ['One.'], prompt: 'p' },
    { ...entry, context: 'Other.' },
  ];
  expect(loadContexts(json, 'f').contexts).toEqual([
    { ...entry, completions: ['One.'] },
    { ...entry, context: 'Other.' },
  ]);
});

test.each<[string, unknown, string]>([
  ['an object of no known shape', { rows: [] }, 'f.json: expected passages {title, context, questions}, SQuAD as published ({data: [{title, paragraphs}]}) or its rows {title, context, question, answers}, got an object'],
  ['nothing', undefined, 'f.json: expected passages {title, context, questions}, SQuAD as published ({data: [{title, paragraphs}]}) or its rows {title, context, question, answers}, got nothing'],
  ['an empty list', [], 'f.json: expected at least one passage, got an empty list'],
  ['a text for an entry', [entry, 'passage'], 'f.json: [1]: expected {title, context, questions}, got "passage"'],
  ['no title', [{ ...entry, title: undefined }], 'f.json: [0].title: expected text that is not blank, got nothing'],
  ['an empty title', [{ ...entry, title: '' }], 'f.json: [0].title: expected text that is not blank, got ""'],
  [
    'half a surrogate pair in a passage',
    [{ ...entry, context: 'a \ud800 b' }],
    'f.json: [0].context: expected Unicode text, without half a surrogate pair, got "a \\ud800 b"',
  ],
  [
    'half a surrogate pair in a recorded self-edit',
    [{ ...entry, completions: ['ok', '\udc00'] }],
    'f.json: [0].completions[1]: expected Unicode text, without half a surrogate pair, got "\\udc00"',
  ],
  [
    'a blank passage',
    [{ ...entry, context: ' \n' }],
    'f.json: [0].context: expected text that is not blank, got " \\n"',
  ],
  [
    'no questions',
    [{ ...entry, questions: [] }],
    'f.json: [0].questions: expected a list of at least one {question, answer}, got an empty list',
  ],
  [
    'questions missing',
    [{ title: 'T', context: 'c' }],
    'f.json: [0].questions: expected a list of at least one {question, answer}, got nothing',
  ],
  [
    'a question in words',
    [{ ...entry, questions: ['Who?'] }],
    'f.json: [0].questions[0]: expected {question, answer}, got "Who?"',
  ],
  [
    'an empty answer',
    [entry, { ...entry, context: 'd', questions: [{ question: 'q', answer: ' ' }] }],
    'f.json: [1].questions[0].answer: expected text that is not blank, got " "',
  ],
  [
    'an answer of another type',
    [{ ...entry, questions: [{ question: 'q', answer: 7 }] }],
    'f.json: [0].questions[0].answer: expected text that is not blank, got 7',
  ],
  [
    'completions in objects',
    [{ ...entry, completions: 'One.' }],
    'f.json: [0].completions: expected a list of texts, got "One."',
  ],
  [
    'one completion of another type',
    [{ ...entry, completions: ['One.', 2] }],
    'f.json: [0].completions[1]: expected a text, got 2',
  ],
  [
    'a passage twice',
    [entry, { ...entry, context: 'x' }, entry],
    'f.json: [2].context: expected each passage once ([0] is the same), got "Carts of wool."',
  ],
])('%s is bad input, named by its field', (_, json, message) => {
  const load = (): unknown => loadContexts(json, 'f.json');
  expect(load).toThrow(BadInputError);
  expect(load).toThrow(new Error(message));
});

testWith('seal/iter0_train.json')(
  '100 recorded passages load, and all their 1,000 recorded self-edits become rows',
  () => {
    const spec = campaignSpecSchema.parse({
      name: 'x',
      seed: 1,
      model: 'm',
      epochs: 1,
      contexts: { train: { path: 'a' }, heldOut: { path: 'b' } },
    });
    const { contexts } = loadContexts(sharedJson('seal/iter0_train.json'), 'iter0_train.json');
    expect(contexts).toHaveLength(100);
    const rows = contexts.flatMap((context) =>
      (context.completions ?? []).map((text) => {
        const parsed = knowledgeDomain.parse({ text }, context, spec, 1);
        return parsed.accepted ? parsed.rows.length : 0;
      }),
    );
    expect(rows).toHaveLength(1000);
    expect(rows).not.toContain(0);
    // Each of these completions has a line a row; the passage is one more.
    expect(rows.reduce((sum, count) => sum + count, 0) / 1000).toBeCloseTo(8.99, 2);
  },
);
