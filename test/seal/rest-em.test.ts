import {
  mStepSeed,
  optimiserSteps,
  planCandidates,
  proposalSeed,
  repeatSeed,
  stepMatchedBudget,
} from '../../seal/rest-em';

const plan = { contextIds: ['aaaa', 'bbbb', 'cccc'], k: 3, group: 4 };

test('k candidates of every context, in order, in groups of fixed size across contexts', () => {
  expect(
    planCandidates(plan).map(
      ({ contextId, contextIndex, candidate, group }) => `${contextId}#${contextIndex}/c${candidate} g${group}`,
    ),
  ).toEqual([
    'aaaa#0/c1 g0',
    'aaaa#0/c2 g0',
    'aaaa#0/c3 g0',
    'bbbb#1/c1 g0',
    'bbbb#1/c2 g1',
    'bbbb#1/c3 g1',
    'cccc#2/c1 g1',
    'cccc#2/c2 g1',
    'cccc#2/c3 g2',
  ]);
});

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
  [9, { batch: 1, trainEpochs: 10 }, 90],
  [9, { batch: 4, trainEpochs: 10 }, 30],
  [8, { batch: 4, trainEpochs: 10 }, 20],
  [50, { batch: 10, trainEpochs: 2 }, 10],
  [9, { batch: 1, trainEpochs: 10, maxSteps: 19 }, 19],
])('%i rows with %j take %i optimiser steps', (rows, length, steps) => {
  expect(optimiserSteps(rows, length)).toBe(steps);
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
