import { describeValue, fieldPath } from '../../campaign/bad-field';

test('fieldPath reads like the expression that reaches the field', () => {
  expect(fieldPath([3, 'questions', 0, 'answer'])).toBe('[3].questions[0].answer');
  expect(fieldPath(['articles', 1])).toBe('articles[1]');
  expect(fieldPath([])).toBe('');
});

test.each([
  [undefined, 'nothing'],
  [null, 'null'],
  [[], 'an empty list'],
  [[0.1, 0.01], '[0.1, 0.01]'],
  [['a', 'b'], 'a list of 2'],
  [[1, 2, 3, 4], 'a list of 4'],
  [{ a: 1 }, 'an object'],
  ['a\nb', '"a\\nb"'],
  [1.5, '1.5'],
  [Number.NaN, 'NaN'],
])('describeValue(%j) is %s', (value, text) => {
  expect(describeValue(value)).toBe(text);
});

test('a long value is cut to 60 characters', () => {
  expect(describeValue('x'.repeat(500))).toHaveLength(60);
});

test.each([
  ['a\u2028b', '"a\\u2028b"'],
  ['a\u0085\u007f\u202eb', '"a\\u0085\\u007f\\u202eb"'],
  ['\ud83d', '"\\ud83d"'],
  // the cut falls between the halves of the pair
  [`${'a'.repeat(55)}🐑🐑🐑🐑`, `"${'a'.repeat(55)}...`],
  [`${'a'.repeat(54)}🐑🐑🐑🐑`, `"${'a'.repeat(54)}🐑...`],
])('describeValue(%j) is one line of whole characters', (value, expected) => {
  expect(describeValue(value)).toBe(expected);
});
