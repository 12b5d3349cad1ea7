import { BadInputError, oneLine } from '../../campaign/errors';

describe('oneLine', () => {
  it.each([
    ['two lines\r\n  become one\n', 'two lines become one'],
    ['a terminal \u001b[2Jsequence\u0007', 'a terminal \\u001b[2Jsequence\\u0007'],
    ['half \ud800 a pair, and 😀 whole', 'half \\ud800 a pair, and 😀 whole'],
    ['read \u202efrom right to left', 'read \\u202efrom right to left'],
    ['a\tb\0c\u2028d', 'a\\u0009b\\u0000c\\u2028d'],
  ])('%j', (text, line) => {
    expect(oneLine(text)).toBe(line);
  });

  it('leaves out the middle of what is too long', () => {
    const line = oneLine(`begin ${'x'.repeat(1_000_000)} end`);
    expect(line.length).toBeLessThan(1100);
    expect(line).toMatch(/^begin x+ \.\.\. x+ end$/);
  });
});

test('BadInputError is one line whatever its parts hold', () => {
  expect(new BadInputError({ where: 'f\n1', expected: 'x', got: '\u0000' }).message).toBe('f 1: expected x, got \\u0000');
});
