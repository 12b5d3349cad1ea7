import type { CandidateOutcome } from '../../campaign/campaign';
import { type MethodRuns, comparisons, epochSummary, methodScore, tiedEpochs } from '../../seal/report-data';

/** A method with one run a context: its score in each of contexts a, b, c, ... */
function method(name: string, scores: readonly number[], grader = 'exact'): MethodRuns {
  const runs = scores.map((score, i) => ({
    contextId: 'abcdef'[i]!,
    questionScores: [score],
    trainedTokens: 100,
    steps: 10,
  }));
  return { name, grader, runs };
}

test('a score is the mean over contexts of the mean over questions, whatever their number', () => {
  const runs = [
    { contextId: 'a', questionScores: [1, 0, 0, 0], trainedTokens: 100, steps: 10 },
    { contextId: 'b', questionScores: [1], trainedTokens: 300, steps: 20 },
  ];
  expect(methodScore({ name: 'self-edits', grader: 'exact', runs })).toEqual({
    name: 'self-edits',
    grader: 'exact',
    score: 0.625,
    standardError: 0.375,
    n: 2,
    runs: 2,
    rejected: 0,
    diverged: 0,
    meanTokens: 200,
    meanSteps: 15,
  });
});

test('several self-edits of a context count as one context', () => {
  const runs = [
    [1, 1],
    [0, 0],
    [1, 0],
  ].map((questionScores, i) => ({ contextId: i < 2 ? 'a' : 'b', questionScores, trainedTokens: 0, steps: 0 }));
  expect(methodScore({ name: 'self-edits', grader: 'exact', runs })).toMatchObject({
    score: 0.5,
    standardError: 0,
    n: 2,
  });
});

test('runs that the unadapted policy answered for count in the mean, and are counted by their reason', () => {
  const run = (contextId: string, score: number, unadapted?: 'rejected' | 'diverged') => ({ contextId, questionScores: [score], trainedTokens: 0, steps: 0, ...(unadapted && { unadapted }) });
  const runs = [run('a', 1), run('b', 0, 'rejected'), run('c', 0.5, 'diverged'), run('d', 0.5, 'diverged')];
  expect(methodScore({ name: 'self-edits', grader: 'exact', runs })).toMatchObject({ score: 0.5, n: 4, runs: 4, rejected: 1, diverged: 2 });
});

test('the order of repeats changes no bit of a score', () => {
  const runs = [0.6, 0.4, 0.2].map((score) => ({ contextId: 'a', questionScores: [score], trainedTokens: 0, steps: 0 }));
  expect(methodScore({ name: 'a', grader: 'f1', runs: [...runs].reverse() })).toEqual(methodScore({ name: 'a', grader: 'f1', runs }));
});

test('one context has no standard error', () => {
  expect(methodScore(method('base', [0.5]))).toMatchObject({ score: 0.5, standardError: 0, n: 1 });
});

test('methods are compared with the baselines, SEAL epochs also with the self-edits and the epoch before', () => {
  const names = [
    'base',
    'passage-only',
    'passage-only-step-matched',
    'self-edits',
    'seal-epoch-1',
    'seal-epoch-2',
    'seal-epoch-10',
    'oracle',
  ];
  const pairs = comparisons(names.map((name) => method(name, [0.1, 0.4]))).map(({ a, b }) => `${a} - ${b}`);
  expect(pairs).toEqual([
    'passage-only - base',
    'passage-only-step-matched - base',
    'passage-only-step-matched - passage-only',
    ...['self-edits', 'seal-epoch-1'].flatMap((a) => [
      `${a} - base`,
      `${a} - passage-only`,
      `${a} - passage-only-step-matched`,
    ]),
    'seal-epoch-1 - self-edits',
    ...['base', 'passage-only', 'passage-only-step-matched', 'self-edits', 'seal-epoch-1'].map(
      (b) => `seal-epoch-2 - ${b}`,
    ),
    ...['base', 'passage-only', 'passage-only-step-matched', 'self-edits'].map((b) => `seal-epoch-10 - ${b}`),
    ...['base', 'passage-only', 'passage-only-step-matched'].map((b) => `oracle - ${b}`),
  ]);
});

test('SEAL epochs are compared with what another model wrote; it is compared with the baselines', () => {
  const names = ['base', 'self-edits', 'seal-epoch-1', 'endpoint'];
  const pairs = comparisons(names.map((name) => method(name, [0.1, 0.4]))).map(({ a, b }) => `${a} - ${b}`);
  expect(pairs).toEqual(['self-edits - base', 'seal-epoch-1 - base', 'seal-epoch-1 - self-edits', 'seal-epoch-1 - endpoint', 'endpoint - base']);
});

test('a comparison pairs the contexts that both methods have', () => {
  const self = method('self-edits', [0.5, 0.5, 1]);
  const base = {
    ...method('base', [0, 0.25, 0, 1]),
    runs: method('base', [0, 0.25, 0, 1]).runs.filter(({ contextId }) => contextId !== 'c'),
  };
  const [comparison] = comparisons([base, self]);
  // contexts a and b: 0.5, 0.25
  expect(comparison).toEqual({ a: 'self-edits', b: 'base', difference: 0.375, pairedStandardError: 0.125, n: 2 });
});

test('methods of different graders, or with fewer than two contexts in common, are not compared', () => {
  expect(comparisons([method('base', [0, 1]), method('self-edits', [-1, -2], 'logprob')])).toEqual([]);
  expect(comparisons([method('base', [0]), method('self-edits', [1])])).toEqual([]);
});

test('an epoch in numbers', () => {
  const outcome = (status: CandidateOutcome['status'], reward?: number): CandidateOutcome => ({
    contextId: 'a',
    candidate: 1,
    status,
    ...(reward !== undefined && { reward }),
    adapters: [],
  });
  const outcomes = [outcome('scored', -0.5), outcome('scored', -0.25), outcome('rejected'), outcome('failed')];
  expect(epochSummary(2, outcomes, 1)).toEqual({
    epoch: 2,
    proposed: 4,
    rejected: 1,
    failed: 1,
    kept: 1,
    meanReward: -0.375,
    bestReward: -0.25,
    compared: 1,
    tied: 0,
  });
  expect(epochSummary(2, [outcome('failed')], 0)).toMatchObject({ failed: 1, meanReward: 0, bestReward: 0 });
});

test('an epoch says in how many contexts selection had nothing to go by: rewards that are all equal, or differ by rounding alone', () => {
  const outcome = (contextId: string, reward?: number) => ({ contextId, status: reward === undefined ? ('failed' as const) : ('scored' as const), ...(reward !== undefined && { reward }) });
  const tied = [outcome('a', 0), outcome('a', 0), outcome('b', 0.39999999999999997), outcome('b', 0.4000000000000001)];
  // Of one candidate, or of those that failed, nothing can be said.
  const alone = [outcome('c', 1), outcome('c'), outcome('d'), outcome('d')];
  const whole = epochSummary(1, [...tied, ...alone], 2);
  expect(whole).toMatchObject({ compared: 2, tied: 2 });
  expect(tiedEpochs([whole])).toEqual([1]);
  const partly = epochSummary(1, [...tied, ...alone, outcome('e', 0.1), outcome('e', 0.1), outcome('e', 0.2)], 3);
  expect(partly).toMatchObject({ compared: 3, tied: 2 });
  expect(tiedEpochs([partly])).toEqual([]);
  expect(tiedEpochs([epochSummary(1, alone, 1)])).toEqual([]);
});
