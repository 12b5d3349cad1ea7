import { logprobGain, logprobPerToken } from '../../../seal/graders/logprob';

test('log-probability is per token of the answer', () => {
  expect(logprobPerToken([{ logprob: -6, tokens: 3 }, { logprob: 0, tokens: 1 }])).toEqual([-2, 0]);
});

test('the gain is what the adapter adds, answer by answer', () => {
  const adapted = [{ logprob: -2, tokens: 2 }, { logprob: -9, tokens: 3 }];
  const unadapted = [{ logprob: -6, tokens: 2 }, { logprob: -6, tokens: 3 }];
  expect(logprobGain(adapted, unadapted)).toEqual([2, -1]);
});

test.each([
  ['an answer without tokens', [{ logprob: 0, tokens: 0 }], [{ logprob: 0, tokens: 0 }], 'no token'],
  ['lists of different length', [], [{ logprob: -1, tokens: 1 }], '0 adapted rows'],
  ['different answers', [{ logprob: -1, tokens: 2 }], [{ logprob: -1, tokens: 1 }], '2 tokens adapted and 1 unadapted'],
])('%s is refused', (_, adapted, unadapted, message) => {
  expect(() => logprobGain(adapted, unadapted)).toThrow(message);
});
