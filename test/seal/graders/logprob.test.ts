import { logprobGain, logprobPerToken } from '../../../seal/graders/logprob';

test('log-probability is per token of the answer', () => {
  expect(
    logprobPerToken([
      { logprob: -6, tokens: 3 },
      { logprob: 0, tokens: 1 },
    ]),
  ).toEqual([-2, 0]);
});

test('the gain is what the adapter adds, answer by answer', () => {
  expect(logprobGain([-1, -3], [-3, -2])).toEqual([2, -1]);
});

test('an answer without tokens has no score', () => {
  expect(() =>
    logprobPerToken([
      { logprob: -1, tokens: 1 },
      { logprob: 0, tokens: 0 },
    ]),
  ).toThrow('gold answer 2 has no token');
});

test('lists of different answers are refused', () => {
  expect(() => logprobGain([], [-1])).toThrow('0 adapted answers cannot be compared with 1');
});
