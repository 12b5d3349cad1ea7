import { contextId } from '../../seal/ids';

test('contextId is the first 8 hex digits of sha256(title, newline, context)', () => {
  // printf 'Estonian\nWritings – 1750.' | sha256sum
  expect(contextId('Estonian', 'Writings – 1750.')).toBe('ab1d299a');
});

test('contextId tells passages of one title apart', () => {
  expect(contextId('Title', 'one')).not.toBe(contextId('Title', 'two'));
});
