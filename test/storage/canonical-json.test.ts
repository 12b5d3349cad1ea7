import { canonicalJson } from '../../storage/canonical-json';

it('gives equal values equal bytes, whatever order they were built in', () => {
  expect(canonicalJson({ b: [{ d: 1, c: 'ü' }], a: null })).toBe(canonicalJson({ a: null, b: [{ c: 'ü', d: 1 }] }));
  expect(canonicalJson({ b: 1, a: undefined })).toBe('{\n  "b": 1\n}\n');
});

it('keeps the order of lists', () => {
  expect(canonicalJson([2, 1])).not.toBe(canonicalJson([1, 2]));
});
