import { mStepSeed, proposalSeed, repeatSeed } from '../../../seal/algorithm/seeds';
import { stepMatchedBudget } from '../../../seal/algorithm/stages';

test('every use of randomness has a seed of its own', () => {
  const seeds = [
    ...['epoch-1', 'epoch-2', 'held-out'].flatMap((scope) => [
      ...[1, 2].map((candidate) => proposalSeed(7, scope, 'aaaa', candidate)),
      ...[1, 2].map((repeat) => repeatSeed(7, scope, 'aaaa', 1, repeat)),
      repeatSeed(7, scope, 'aaaa', 2, 1),
    ]),
    proposalSeed(7, 'epoch-1', 'bbbb', 1),
    mStepSeed(7, 1),
    mStepSeed(7, 2),
    mStepSeed(8, 1),
  ];
  expect(new Set(seeds).size).toBe(seeds.length);
});

test.each([
  [[14, 15], 15],
  [[14, 14, 15], 14],
  [[0, 0], 1],
])('self-edits of %j steps give a step-matched budget of %i', (steps, budget) => {
  expect(stepMatchedBudget(steps)).toBe(budget);
});

test('no self-edit was trained: there is no budget to match', () => {
  expect(() => stepMatchedBudget([])).toThrow(RangeError);
});
