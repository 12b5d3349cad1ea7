import fc from 'fast-check';
import { candidateReward, repeatReward, rewardOfScore } from '../../../seal/algorithm/rewards';
import { sharedJson, testWith } from '../shared-data';

test.each([
  [[1, 0, 0], 0.3333],
  [[1, 1, 0], 0.6667],
  [[0, 0], 0],
  [[-0.12345], -0.1235],
])('repeatReward(%j) is %d', (scores, reward) => {
  expect(repeatReward(scores)).toBe(reward);
});

test('a reward is the plain mean of rounded repeats', () => {
  expect(candidateReward([repeatReward([1, 0, 0]), repeatReward([1, 1, 0])])).toBe(0.5);
});

test('a loss too small for 4 digits is 0, not minus 0', () => {
  expect(repeatReward([-0.00001])).toBe(0);
});

const repeats = fc.array(fc.integer({ min: -30_000, max: 30_000 }).map((units) => units / 1e4), { minLength: 1, maxLength: 12 });

test('a reward has the same bits whatever the order of its repeats', () => {
  expect(candidateReward([0.6, 0.4, 0.2])).toBe(0.4);
  expect(candidateReward([0.2, 0.4, 0.6])).toBe(0.4);
  fc.assert(
    fc.property(repeats.chain((own) => fc.tuple(fc.constant(own), fc.shuffledSubarray(own, { minLength: own.length }))), ([own, shuffled]) => {
      expect(candidateReward(shuffled)).toBe(candidateReward(own));
    }),
  );
});

test('rewards of repeats that sum to the same are the same bits', () => {
  fc.assert(
    fc.property(repeats, fc.integer({ min: 1, max: 9999 }), (own, units) => {
      const [first = 0, ...rest] = own;
      // What one repeat gains another loses.
      const moved = [first + units / 1e4, ...rest, 1].map((reward) => Number(reward.toFixed(4)));
      const other = [first, ...rest, 1 + units / 1e4].map((reward) => Number(reward.toFixed(4)));
      expect(candidateReward(moved)).toBe(candidateReward(other));
    }),
  );
});

test('which way a score is rounded does not depend on the last bit of its sum', () => {
  // 0.08125 as sums of sixteen grades come out
  expect(rewardOfScore(0.08124999999999999)).toBe(rewardOfScore(0.08125));
  expect(rewardOfScore(0.08125000000000002)).toBe(rewardOfScore(0.08125));
});

test('a candidate without repeats has no reward', () => {
  expect(() => candidateReward([])).toThrow(RangeError);
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
