import { withoutReasoning } from '../../endpoint/reasoning';

test.each<readonly [string, string, string]>([
  ['no block', ' on and\non ', ' on and\non '],
  ['a block before the answer', '<think>\nThe key is salt.\n</think>\n\nYes', 'Yes'],
  ['an empty block, as where thinking is off', '<think>\n\n</think>\n\nYes', 'Yes'],
  ['blocks between the lines', '<think>a</think>One.\n<think>b</think>\nTwo.', 'One.\nTwo.'],
  ['a block that the prompt opened', 'The key is salt.\n</think>\n\nYes', 'Yes'],
  ['such a block and another', 'a</think>One. <think>b</think>Two.', 'One. Two.'],
  ['a block in a block', '<think>a <think>b</think> c</think>Yes', 'Yes'],
  ['a block of nothing else', '<think>a</think>', ''],
  ...['thinking', 'thought', 'reasoning', 'seed:think'].map((name) => [name, `<${name}>a</${name}>Yes`, 'Yes'] as const),
  ['Magistral', '[THINK]a[/THINK]Yes', 'Yes'],
  ['Kimi-VL', '◁think▷a◁/think▷Yes', 'Yes'],
  ['Sky-T1', '<|begin_of_thought|>a<|end_of_thought|>\n\nYes', 'Yes'],
  ['Gemma 4', '<|channel>thought\na<channel|>Yes', 'Yes'],
  ['gpt-oss', '<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>Yes<|return|>', 'Yes'],
  ['gpt-oss, its header in the prompt', 'analysis<|message|>a<|end|><|start|>assistant<|channel|>final <|constrain|>text<|message|>Yes', 'Yes'],
])('%s', (_, text, expected) => {
  expect(withoutReasoning(text)).toBe(expected);
});

test.each(['<think>', '<think>\nThe key', 'Well. <think>The key', '<think>a</think>One. <think>b', '[THINK]a', '<|channel>thought\na', '<|channel|>analysis<|message|>a', '<|channel|>final'])(
  'reasoning without an end: %j',
  (text) => {
    expect(withoutReasoning(text)).toBeNull();
  },
);

test.each([
  ['opened', '<think>'],
  ['closed', '</think>'],
  ['opened and closed', '<think></think>'],
  ['of one kind opened, of the other closed', '<think></thought>'],
])('8 MiB of blocks that are %s take no time', (_, piece) => {
  const startedMs = performance.now();
  withoutReasoning(piece.repeat(Math.floor((8 * 2 ** 20) / piece.length)));
  expect(performance.now() - startedMs).toBeLessThan(5000);
});
