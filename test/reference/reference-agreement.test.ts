import type { AnswerGrader } from '../../seal/graders/grade';
import { type PassageHalf, recordedVerdicts } from '../../reference/recorded-verdicts';
import { graderAgreement } from '../../reference/reference-agreement';
import { sharedJson, testWith } from '../seal/shared-data';

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

function articleOf(json: unknown): object {
  return (json as { articles: object[] }).articles[0]!;
}

test('baseline and adapter answers count alike; recurring answers count once among the distinct', () => {
  const json = results([
    ['wool', 'wool', true, 'It is wool.', true],
    ['wool', 'wool', true, 'salt', true],
  ]);
  expect(graderAgreement(recordedVerdicts(json, 'f'), 'contains')).toEqual({
    grader: 'contains',
    passages: 1,
    standardError: Number.NaN,
    distinctStandardError: Number.NaN,
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
  expect(() => recordedVerdicts(results([]), 'f')).toThrow(
    'f: articles: expected completions with answered questions',
  );
});

test('a half of the passages by the last digit of their ids', () => {
  const json = { articles: ['a', 'b', 'c', 'd'].map((title) => ({ ...articleOf(results([['wool', 'wool', true, 'salt', false]])), title, context: title })) };
  const idsOf = (half?: PassageHalf): string[] => [...new Set(recordedVerdicts(json, 'f', half).map(({ contextId }) => contextId))];
  expect(idsOf('development')).toEqual(idsOf().filter((id) => /[02468ace]$/.test(id)));
  expect(idsOf('validation')).toEqual(idsOf().filter((id) => /[13579bdf]$/.test(id)));
  expect(idsOf('development').length + idsOf('validation').length).toBe(4);
});

// The figures of docs/graders.md.
testWith('seal/rank_iter0.json')('agreement with 6,750 recorded verdicts', () => {
  const json = sharedJson('seal/rank_iter0.json');
  const figures = (grader: AnswerGrader, half?: PassageHalf): unknown[] => {
    const { n, distinctAnswers, ...of } = graderAgreement(recordedVerdicts(json, 'f', half), grader);
    return [n, distinctAnswers, ...[of.agreement, of.distinctAgreement, of.precision!, of.recall!, of.kappa!].map((value) => value.toFixed(4))];
  };
  expect(figures('exact')).toEqual([6750, 3224, '0.6403', '0.6163', '0.9706', '0.0265', '0.0326']);
  expect(figures('contains')).toEqual([6750, 3224, '0.8345', '0.8251', '0.8847', '0.6344', '0.6226']);
  expect(figures('f1')).toEqual([6750, 3224, '0.6507', '0.6262', '0.9241', '0.0586', '0.0692']);
  expect(figures('tokens')).toEqual([6750, 3224, '0.8787', '0.8697', '0.8274', '0.8483', '0.7409']);
  expect(figures('tokens', 'development')).toEqual([3240, 1544, '0.8941', '0.8867', '0.8565', '0.8392', '0.7666']);
  expect(figures('tokens', 'validation')).toEqual([3510, 1680, '0.8644', '0.8542', '0.8049', '0.8560', '0.7172']);
});
