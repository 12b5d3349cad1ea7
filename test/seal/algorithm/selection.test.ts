import fc from 'fast-check';
import type { CandidateOutcome } from '../../../campaign/campaign';
import { candidateReward, repeatReward } from '../../../seal/algorithm/rewards';
import { bestOfK, selectSelfEdits, unadaptedRewardOf } from '../../../seal/algorithm/selection';

function scored(contextId: string, candidate: number, reward: number): CandidateOutcome {
  return { contextId, candidate, status: 'scored', reward, adapters: [] };
}

function names(kept: readonly { contextId: string; candidate: number }[]): string[] {
  return kept.map(({ contextId, candidate }) => `${contextId}/c${candidate}`);
}

const noBaseline = (): number => {
  throw new Error('best-of-k needs no baseline');
};

test.each([
  [1, [0.2, 0.6, 0.6], ['a/c2']],
  [2, [0.2, 0.6, 0.6], ['a/c2', 'a/c3']],
  [2, [0.5, 0.5, 0.5], ['a/c1', 'a/c2']],
  [5, [0.1, 0.3], ['a/c2', 'a/c1']],
  [1, [0, 0], ['a/c1']],
])('best-of-k keeps the %i best of rewards %j, ties in the order given', (keep, rewards, expected) => {
  const outcomes = rewards.map((reward, i) => scored('a', i + 1, reward));
  expect(names(selectSelfEdits(outcomes, { rule: 'best-of-k', keep }, noBaseline).kept)).toEqual(expected);
});

test('contexts stay apart and keep their order', () => {
  const outcomes = [scored('b', 1, 0.1), scored('b', 2, 0.2), scored('a', 1, 0.9), scored('a', 2, 0.8)];
  expect(names(selectSelfEdits(outcomes, { rule: 'best-of-k', keep: 1 }, noBaseline).kept)).toEqual(['b/c2', 'a/c1']);
});

test('improves keeps, of the best, those above the unadapted policy: equal is not above', () => {
  const outcomes = [
    scored('a', 1, 0.5),
    scored('a', 2, 0.4),
    scored('b', 1, 0.5),
    scored('b', 2, 0.6),
    scored('c', 1, 0.1),
  ];
  const baseline = new Map([
    ['a', 0.5],
    ['b', 0.5],
    ['c', 0.2],
  ]);
  const { kept } = selectSelfEdits(outcomes, { rule: 'improves', keep: 2 }, (id) => baseline.get(id)!);
  expect(names(kept)).toEqual(['b/c2']);
});

test('failed and rejected candidates are excluded by name with their reason', () => {
  const outcomes: CandidateOutcome[] = [
    { contextId: 'a', candidate: 1, status: 'rejected', reason: 'the self-edit is empty', adapters: [] },
    scored('a', 2, 0.1),
    { contextId: 'b', candidate: 1, status: 'failed', reason: 'NOT_FINITE at step 3', adapters: [] },
  ];
  expect(selectSelfEdits(outcomes, { rule: 'best-of-k', keep: 1 }, noBaseline)).toMatchObject({
    kept: [{ contextId: 'a', candidate: 2, reward: 0.1 }],
    excluded: [
      { contextId: 'a', candidate: 1, status: 'rejected', reason: 'the self-edit is empty' },
      { contextId: 'b', candidate: 1, status: 'failed', reason: 'NOT_FINITE at step 3' },
    ],
  });
});

test.each([Number.NaN, Number.POSITIVE_INFINITY])('a reward of %d is refused, not sorted somewhere', (reward) => {
  expect(() => selectSelfEdits([scored('a', 1, reward)], { rule: 'best-of-k', keep: 1 }, noBaseline)).toThrow('a/c1');
});

/** Grades with a mean of `right` of `questions`. */
function grades(questions: number, right: number): number[] {
  return Array.from({ length: questions }, (_, i) => (i < right ? 1 : 0));
}

test('under improves a candidate never beats the unadapted policy by rounding: answers as good are no gain', () => {
  const beaten = [];
  for (let questions = 1; questions <= 40; questions += 1) {
    for (let right = 0; right <= questions; right += 1) {
      const reward = candidateReward([repeatReward(grades(questions, right))]);
      const unadapted = unadaptedRewardOf('tokens', right / questions);
      if (selectSelfEdits([scored('a', 1, reward)], { rule: 'improves', keep: 1 }, () => unadapted).kept.length > 0) beaten.push(`${right}/${questions}`);
    }
  }
  expect(beaten).toEqual([]);
});

test('under improves one more right answer in one of three repeats is a gain', () => {
  const reward = candidateReward([grades(9, 4), grades(9, 3), grades(9, 3)].map(repeatReward));
  expect(selectSelfEdits([scored('a', 1, reward)], { rule: 'improves', keep: 1 }, () => unadaptedRewardOf('tokens', 3 / 9)).kept).toHaveLength(1);
});

test('means that differ in their last bit tie: the stable order decides, and neither improves on the other', () => {
  const [low, high] = [(0.2 + 0.4 + 0.6) / 3, (0.6 + 0.4 + 0.2) / 3].sort((a, b) => a - b) as [number, number];
  expect(low).toBeLessThan(high);
  const outcomes = [scored('a', 1, low), scored('a', 2, high)];
  expect(names(selectSelfEdits(outcomes, { rule: 'best-of-k', keep: 1 }, noBaseline).kept)).toEqual(['a/c1']);
  expect(names(selectSelfEdits(outcomes, { rule: 'improves', keep: 2 }, () => low).kept)).toEqual([]);
});

test('selection does not depend on the order of repeats', () => {
  const repeats = fc.array(fc.integer({ min: 0, max: 10 }).map((right) => repeatReward(grades(10, right))), { minLength: 3, maxLength: 3 });
  const candidates = fc.array(repeats, { minLength: 2, maxLength: 6 });
  const shuffled = candidates.chain((own) => fc.tuple(fc.constant(own), fc.tuple(...own.map((one) => fc.shuffledSubarray(one, { minLength: 3 })))));
  fc.assert(
    fc.property(shuffled, fc.constantFrom('best-of-k' as const, 'improves' as const), fc.integer({ min: 0, max: 10 }), ([own, other], rule, right) => {
      const kept = (some: readonly (readonly number[])[]): string[] => {
        const outcomes = some.map((rewards, i) => scored('a', i + 1, candidateReward(rewards)));
        return names(selectSelfEdits(outcomes, { rule, keep: 2 }, () => unadaptedRewardOf('tokens', right / 10)).kept);
      };
      expect(kept(other)).toEqual(kept(own));
    }),
  );
});

test('what improves has to beat: an accuracy, or no gain at all', () => {
  expect(unadaptedRewardOf('exact', 0.4)).toBe(0.4);
  expect(unadaptedRewardOf('exact', 1 / 3)).toBe(0.3333);
  expect(unadaptedRewardOf('logprob', -3.2)).toBe(0);
});

test('bestOfK: nothing left out is better than anything kept, and its input is untouched', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5 })), fc.integer({ min: 1, max: 6 }), (rewards, keep) => {
      const candidates = rewards.map((reward, position) => ({ reward, position }));
      const kept = bestOfK(candidates, keep);
      const left = candidates.filter((candidate) => !kept.includes(candidate));
      expect(kept).toHaveLength(Math.min(keep, candidates.length));
      for (const out of left) {
        for (const inside of kept) {
          expect(out.reward < inside.reward || (out.reward === inside.reward && out.position > inside.position)).toBe(
            true,
          );
        }
      }
      expect(candidates.map(({ reward }) => reward)).toEqual(rewards);
    }),
  );
});
