import fc from 'fast-check';
import { findJsonDefect } from '../../../engine/files/json-defect';

/** How many levels `JSON.parse` gives. */
function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}

describe('findJsonDefect', () => {
  it.each<[what: string, text: string, got: string | undefined]>([
    ['a key twice', '{"a": 1, "a": 2}', '"a" twice'],
    ['a key twice, spelt in two ways', '{"a": 1, "\\u0061": 2}', '"a" twice'],
    ['a key twice, far inside', '[{"b": [{"x" : 1, "y": {}, "x"\n:\t2}]}]', '"x" twice'],
    ['a key in two objects', '{"a": {"a": 1}, "b": {"a": 1}}', undefined],
    ['equal values', '{"a": "a", "b": "a"}', undefined],
    ['quotes and brackets in texts', '{"a": "\\"[[[{\\\\", "b": "\\\\\\"a\\": 1, "}', undefined],
    ['too deep', '['.repeat(101), 'deeper ones'],
    ['as deep as may be', '['.repeat(100) + ']'.repeat(100), undefined],
    ['an end in a text', '{"a": "\\', undefined],
    ['a key that is no JSON', '{"\\x": 1, "\\x": 2}', '"\\"\\\\x\\"" twice'],
  ])('%s', (_what, text, got) => {
    expect(findJsonDefect(text)?.got).toBe(got);
  });

  it('counts values', () => {
    expect(findJsonDefect('[1,2,3,{}]', { depth: 9, values: 5 })).toBeUndefined();
    expect(findJsonDefect('[1,2,3,{}]', { depth: 9, values: 4 })?.got).toBe('more');
  });

  it('finds nothing in what JSON.stringify writes, and the depth that JSON.parse gives', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const text = JSON.stringify(value);
        expect(findJsonDefect(text)).toBeUndefined();
        const depth = depthOf(JSON.parse(text));
        expect(findJsonDefect(text, { depth, values: 1e6 })).toBeUndefined();
        if (depth > 0) expect(findJsonDefect(text, { depth: depth - 1, values: 1e6 })?.got).toBe('deeper ones');
      }),
      { numRuns: 300, seed: 1 },
    );
  });

  it('takes any text as it comes', () => {
    const noise = fc.array(fc.constantFrom('"', '\\', '{', '}', '[', ']', ':', ',', 'a', ' ', 'u', '\ud800'), { maxLength: 60 });
    fc.assert(fc.property(noise, (parts) => void findJsonDefect(parts.join(''))), { numRuns: 1000, seed: 2 });
  });

  it.each([
    ['quotes', '"'.repeat(2_000_000)],
    ['backslashes', `"${'\\'.repeat(2_000_000)}`],
    ['keys', `{${'"a":1,'.repeat(1)}${Array.from({ length: 200_000 }, (_, i) => `"${i}":0`).join(',')}}`],
    ['blanks after texts', `[${`"a"${' '.repeat(1000)}`.repeat(1000)}]`],
  ])('is done with a megabyte of %s in a moment', (_what, text) => {
    const started = performance.now();
    findJsonDefect(text);
    expect(performance.now() - started).toBeLessThan(5000);
  });
});
