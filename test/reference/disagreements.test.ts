import { disagreements } from '../../reference/disagreements';

const answer = (said: string, ...verdicts: boolean[]): Parameters<typeof disagreements>[0][number] => ({
  contextId: '00000000',
  question: 'What is it?',
  goldAnswer: 'wool',
  answer: said,
  verdicts,
});

test('answers on which grader and judge differ, evenly spaced; a judge of two minds counts by most', () => {
  const answers = [answer('wool', true), answer('salt 1', true), answer('salt 2', true), answer('salt 3', true, true, false), answer('salt 4', false, true)];
  expect(disagreements(answers, 'contains', 2)).toEqual({
    total: 3,
    sample: [
      { contextId: '00000000', question: 'What is it?', goldAnswer: 'wool', answer: 'salt 1', grade: 0, verdict: true, times: 1 },
      { contextId: '00000000', question: 'What is it?', goldAnswer: 'wool', answer: 'salt 2', grade: 0, verdict: true, times: 1 },
    ],
  });
  expect(disagreements(answers, 'contains', 9).sample).toHaveLength(3);
  expect(disagreements([answer('wool', true)], 'contains', 9)).toEqual({ total: 0, sample: [] });
});
