import { retryAfterMs } from '../../endpoint/retry-after';

const NOW = Date.parse('2026-11-22T12:00:00Z');

test.each([
  ['0', 0],
  ['120', 120_000],
  [' 3 ', 3000],
  ['Sun, 22 Nov 2026 12:01:00 GMT', 60_000],
  ['Sunday, 22-Nov-26 12:00:01 GMT', 1000],
  ['Sun, 22 Nov 2026 11:59:00 GMT', 0],
  ['', null],
  ['-5', null],
  ['1.5', null],
  ['soon', null],
  [null, null],
])('%j asks for %s ms', (header, expected) => {
  expect(retryAfterMs(header, NOW)).toBe(expected);
});
