import fc from 'fast-check';
import type { CandidateOutcome } from '../../contracts/campaign';
import { bestOfK, selectSelfEdits, unadaptedRewardOf } from '../../seal/selection';

function scored(contextId: string, candidate: number, reward: number): CandidateOutcome {
  return { contextId, candidate, status: 'scored', reward, adapters: [], recordKey: '' };
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
    { contextId: 'a', candidate: 1, status: 'rejected', reason: 'the self-edit is empty', adapters: [], recordKey: '' },
    scored('a', 2, 0.1),
    { contextId: 'b', candidate: 1, status: 'failed', reason: 'NOT_FINITE at step 3', adapters: [], recordKey: '' },
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

test('what improves has to beat: an accuracy, or no gain at all', () => {
  expect(unadaptedRewardOf('exact', 0.4)).toBe(0.4);
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
