import fc from 'fast-check';

/** Values that a field seldom expects. */
const ODD: readonly unknown[] = [
  null, true, false, 0, -1, 1, 3, 1.5, 1e9, 1e300, Number.MAX_SAFE_INTEGER, '', 'x', 'default', 'llama3', '__proto__', '\u0000', '\ud800', '\u001b[2J',
  'a'.repeat(300), [], {}, [null], [[]], { a: 1 }, { type: 'x' }, ['q_proj'], '.*', '(', '(a+)+$', '../x',
];

/** Changes of a JSON document: one to three of its values, wherever they stand, are left out or replaced by odd ones. */
export function jsonChanges(): fc.Arbitrary<(json: unknown) => unknown> {
  const change = fc.tuple(fc.nat(), fc.option(fc.constantFrom(...ODD), { nil: undefined, freq: 4 }));
  return fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => (json) => {
    const copy: unknown = structuredClone(json);
    for (const [at, value] of changes) {
      const spots = spotsOf(copy);
      const spot = spots[at % Math.max(1, spots.length)];
      if (spot === undefined) return copy;
      const { parent, key } = spot;
      if (value !== undefined) parent[key] = structuredClone(value);
      else if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else delete parent[key];
    }
    return copy;
  });
}

interface Spot {
  readonly parent: Record<string, unknown>;
  readonly key: string;
}

function spotsOf(json: unknown): Spot[] {
  if (typeof json !== 'object' || json === null) return [];
  const parent = json as Record<string, unknown>;
  return Object.keys(parent).flatMap((key) => [{ parent, key }, ...spotsOf(parent[key])]);
}

/** Changes of bytes: some replaced, a piece cut out, a piece repeated. */
export function byteChanges(): fc.Arbitrary<(bytes: Buffer) => Buffer> {
  const replaced = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 });
  return fc.tuple(replaced, fc.nat(), fc.nat(40), fc.constantFrom('keep', 'cut', 'end', 'repeat')).map(([replacements, at, length, edit]) => (bytes) => {
    const changed = Buffer.from(bytes);
    for (const [position, byte] of replacements) changed[position % changed.length] = byte;
    const start = at % changed.length;
    const [before, piece, after] = [changed.subarray(0, start), changed.subarray(start, start + length), changed.subarray(start + length)];
    if (edit === 'end') return Buffer.from(before);
    return Buffer.concat(edit === 'keep' ? [changed] : edit === 'cut' ? [before, after] : [before, piece, piece, after]);
  });
}
