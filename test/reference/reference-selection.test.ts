import { BadInputError } from '../../campaign/errors';
import { policyRowsJsonl, selectFromReferenceResults } from '../../reference/reference-selection';
import { sharedJson, sharedText, testWith } from '../seal/shared-data';

function article(prompt: string, completions: [text: string, adapterMean: number, baselineMean?: number][]): unknown {
  return {
    title: 'T',
    prompt,
    completions: completions.map(([text, adapter_mean, baseline_mean = 0]) => ({
      text,
      stats: { adapter_mean, baseline_mean },
      questions: [],
    })),
  };
}

const bestOne = { rule: 'best-of-k', keep: 1 } as const;

testWith('seal/rank_iter0.json')('selects the reference’s 50 rows byte for byte', () => {
  const { rows, contexts, kept } = selectFromReferenceResults(
    sharedJson('seal/rank_iter0.json'),
    'rank_iter0.json',
    bestOne,
  );
  expect(policyRowsJsonl(rows)).toBe(sharedText('seal/sft_best1of5_iter0.jsonl'));
  expect({ contexts, kept }).toEqual({ contexts: 50, kept: 50 });
});

test('the first of equal rewards is kept, trimmed; a blank winner is dropped, not replaced', () => {
  const json = {
    articles: [
      article('p1', [
        ['low', 0.1],
        [' first \n', 0.5],
        ['second', 0.5],
      ]),
      article('p2', [
        [' \n', 0.9],
        ['text', 0.1],
      ]),
    ],
  };
  expect(selectFromReferenceResults(json, 'f', bestOne)).toEqual({
    rows: [{ prompt: 'p1', completion: 'first' }],
    contexts: 2,
    kept: 1,
  });
});

test('improves compares with the baseline recorded beside each candidate', () => {
  const json = { articles: [article('p1', [['same', 0.5, 0.5]]), article('p2', [['better', 0.6, 0.5]])] };
  expect(selectFromReferenceResults(json, 'f', { rule: 'improves', keep: 1 }).rows).toEqual([
    { prompt: 'p2', completion: 'better' },
  ]);
});

test('means that differ by rounding alone are equal: the first is kept, and it is no gain', () => {
  const [low, high] = [0.3333333333333333, 0.33333333333333337];
  const json = { articles: [article('p1', [['first', low, low], ['second', high, low]])] };
  expect(selectFromReferenceResults(json, 'f', bestOne).rows).toEqual([{ prompt: 'p1', completion: 'first' }]);
  expect(selectFromReferenceResults(json, 'f', { rule: 'improves', keep: 2 }).rows).toEqual([]);
});

test('rows are written as Python writes them', () => {
  expect(policyRowsJsonl([{ prompt: 'a "b"\n', completion: 'é–\u0001\\' }])).toBe(
    '{"prompt": "a \\"b\\"\\n", "completion": "é–\\u0001\\\\"}\n',
  );
  expect(policyRowsJsonl([])).toBe('');
});

test.each<[string, unknown, string]>([
  ['a list', [], 'f: expected an object with keys, got an empty list'],
  ['no articles', { articles: [] }, 'f: articles: expected at least one article, got an empty list'],
  [
    'an article without completions',
    { articles: [article('p', [])] },
    'f: articles[0].completions: expected at least one completion, got an empty list',
  ],
  [
    'a reward in words',
    { articles: [article('p', [['t', 'high' as unknown as number]])] },
    'f: articles[0].completions[0].stats.adapter_mean: expected a number, got "high"',
  ],
  [
    'no prompt',
    {
      articles: [
        { title: 'T', completions: [{ text: '', stats: { adapter_mean: 0, baseline_mean: 0 }, questions: [] }] },
      ],
    },
    'f: articles[0].prompt: expected a text, got nothing',
  ],
])('%s is bad input, named by its field', (_, json, message) => {
  const select = (): unknown => selectFromReferenceResults(json, 'f', bestOne);
  expect(select).toThrow(BadInputError);
  expect(select).toThrow(message);
});
