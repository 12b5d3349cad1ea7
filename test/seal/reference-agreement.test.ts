import { gradeReferenceResults } from '../../seal/reference-agreement';
import { sharedJson, testWith } from './shared-data';

function results(
  rows: [gold: string, baseline: string, baselineCorrect: boolean, adapter: string, adapterCorrect: boolean][],
): unknown {
  const questions = rows.map(([answer, baseline_answer, baseline_correct, adapter_answer, adapter_correct]) => ({
    question: 'q',
    answer,
    baseline_answer,
    adapter_answer,
    baseline_correct,
    adapter_correct,
  }));
  return {
    articles: [
      {
        title: 'T',
        prompt: 'p',
        completions: [{ text: 't', stats: { baseline_mean: 0, adapter_mean: 0 }, questions }],
      },
    ],
  };
}

test('baseline and adapter answers count alike; recurring answers count once among the distinct', () => {
  const json = results([
    ['wool', 'wool', true, 'It is wool.', true],
    ['wool', 'wool', true, 'salt', true],
  ]);
  expect(gradeReferenceResults(json, 'f', 'contains')).toEqual({
    grader: 'contains',
    n: 4,
    agreement: 0.75,
    precision: 1,
    recall: 0.75,
    kappa: 0,
    distinctAnswers: 3,
    distinctAgreement: 2 / 3,
  });
});

test('a file without answers is bad input', () => {
  expect(() => gradeReferenceResults(results([]), 'f', 'exact')).toThrow(
    'f: articles: expected completions with answered questions',
  );
});

testWith('seal/rank_iter0.json')(
  'containment agrees with 84.3 % of 6,750 recorded verdicts, exact match with 64.0 %',
  () => {
    const json = sharedJson('seal/rank_iter0.json');
    const contains = gradeReferenceResults(json, 'f', 'contains');
    expect(contains.n).toBe(6750);
    expect(contains.distinctAnswers).toBe(3224);
    expect(contains.agreement).toBeCloseTo(0.843, 3);
    expect(contains.kappa).toBeCloseTo(0.644, 3);
    expect(contains.precision).toBeCloseTo(0.882, 3);
    expect(contains.recall).toBeCloseTo(0.663, 3);
    expect(gradeReferenceResults(json, 'f', 'exact').agreement).toBeCloseTo(0.64, 3);
  },
);
