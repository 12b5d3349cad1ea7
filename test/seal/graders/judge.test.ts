import { isVerdictWhole, judgePrompt, needsNoJudge, parseVerdict, verdictGrade } from '../../../seal/graders/judge';

test.each([
  ['yes', 'yes'],
  ['Yes.', 'yes'],
  ['**YES**', 'yes'],
  ['\n\n yes, it does', 'yes'],
  ['no', 'no'],
  ['"No"', 'no'],
  ['No.\n\nQuestion: What else? yes', 'no'],
  ['Verdict: yes\nBecause no other answer fits.', 'yes'],
])('%j is %s', (reply, verdict) => {
  expect(parseVerdict(reply)).toBe(verdict);
});

test.each(['', ' \n ', 'maybe', 'yes and no', 'No, the answer is yes', 'yesterday', 'noyes', '1', 'The answer is right.', 'ja'])(
  '%j is ambiguous, and so no',
  (reply) => {
    expect(parseVerdict(reply)).toBe('ambiguous');
    expect(verdictGrade(reply)).toBe(0);
  },
);

test('a clear yes counts, a clear no does not', () => {
  expect([verdictGrade('Yes'), verdictGrade('No')]).toEqual([1, 0]);
});

test.each([
  ['yes\n', true],
  ['\n\nNo.\nQuestion: What', true],
  ['yes', false],
  ['\n yes', false],
  ['maybe\nyes', false],
  ['1\n2\n', false],
  ['', false],
])('of %j, cut off there, the verdict is whole: %s', (reply, isWhole) => {
  expect(isVerdictWhole(reply)).toBe(isWhole);
});

test('the judge sees question, gold answer and answer, and is told what to reply', () => {
  const prompt = judgePrompt({ question: 'Where is Vel?', goldAnswer: 'by the sea', answer: ' at the coast\n' });
  expect(prompt).toContain('\nQuestion: Where is Vel?\nCorrect answer: by the sea\nAnswer: at the coast\n');
  expect(prompt).toMatch(/one word, yes or no/);
});

test.each([
  ['silence', { goldAnswer: 'a', answer: ' \n' }, true],
  ['nothing to compare with', { goldAnswer: ' ', answer: 'a' }, true],
  ['an answer', { goldAnswer: 'a', answer: 'a' }, false],
])('%s', (_, answer, expected) => {
  expect(needsNoJudge(answer)).toBe(expected);
});
