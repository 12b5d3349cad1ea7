import { candidateReward, repeatReward } from '../../seal/rewards';
import { sharedJson, testWith } from './shared-data';

test.each([
  [[1, 0, 0], 0.3333],
  [[1, 1, 0], 0.6667],
  [[0, 0], 0],
  [[-0.12345], -0.1235],
])('repeatReward(%j) is %d', (scores, reward) => {
  expect(repeatReward(scores)).toBe(reward);
});

test('a reward is the plain mean of rounded repeats', () => {
  expect(candidateReward([repeatReward([1, 0, 0]), repeatReward([1, 1, 0])])).toBeCloseTo(0.5, 12);
});

interface RecordedArticle {
  completions: { stats: { adapter_mean: number }; questions: { rep: number; adapter_correct: boolean }[] }[];
}

testWith('seal/rank_iter0.json')(
  'rewards recomputed from recorded verdicts are the recorded rewards of all 250 candidates',
  () => {
    const { articles } = sharedJson('seal/rank_iter0.json') as { articles: RecordedArticle[] };
    const completions = articles.flatMap((article) => article.completions);
    expect(completions).toHaveLength(250);
    for (const { stats, questions } of completions) {
      const repeats = [...new Set(questions.map(({ rep }) => rep))].map((rep) =>
        repeatReward(questions.filter((row) => row.rep === rep).map((row) => Number(row.adapter_correct))),
      );
      expect(candidateReward(repeats)).toBeCloseTo(stats.adapter_mean, 10);
    }
  },
);
