import fc from 'fast-check';
import { byContext, chunkCount, chunkOf, contextsOfChunk, groupAt, groupsOf, numbersIn, placeOf, positionOf, positionsOfContexts } from '../../../seal/algorithm/plan';

const size = fc.integer({ min: 1, max: 40 });
const count = fc.integer({ min: 0, max: 400 });

test('a position and its place name each other', () => {
  fc.assert(
    fc.property(fc.nat(10_000), size, (position, perContext) => {
      const place = placeOf(position, perContext);
      expect(place.candidate).toBeGreaterThanOrEqual(1);
      expect(place.candidate).toBeLessThanOrEqual(perContext);
      expect(positionOf(place, perContext)).toBe(position);
    }),
  );
  expect([0, 4, 5, 9].map((position) => placeOf(position, 5))).toEqual([
    { context: 0, candidate: 1 },
    { context: 0, candidate: 5 },
    { context: 1, candidate: 1 },
    { context: 1, candidate: 5 },
  ]);
});

test('groups cover every position once, in order, and each position finds its own', () => {
  fc.assert(
    fc.property(count, size, (n, groupSize) => {
      const groups = groupsOf(n, groupSize);
      expect(groups.flatMap(numbersIn)).toEqual(numbersIn({ from: 0, to: n }));
      for (const group of groups) for (const position of numbersIn(group)) expect(groupAt(position, groupSize, n)).toEqual(group);
    }),
  );
});

test('chunks cover every context once, with all of its candidates', () => {
  fc.assert(
    fc.property(count, size, size, (contexts, contextsPerChunk, perContext) => {
      const chunks = Array.from({ length: chunkCount(contexts, contextsPerChunk) }, (_, i) => i + 1);
      const places = chunks.map((chunk) => contextsOfChunk(chunk, contextsPerChunk, contexts));
      expect(places.flatMap(numbersIn)).toEqual(numbersIn({ from: 0, to: contexts }));
      places.forEach((place, i) => numbersIn(place).forEach((context) => expect(chunkOf(context, contextsPerChunk)).toBe(chunks[i])));
      expect(places.flatMap((place) => numbersIn(positionsOfContexts(place, perContext)))).toEqual(numbersIn({ from: 0, to: contexts * perContext }));
    }),
    { numRuns: 30 },
  );
});

test('a list over positions is cut where contexts change', () => {
  expect(byContext(['a1', 'a2', 'b1', 'b2'], 2)).toEqual([['a1', 'a2'], ['b1', 'b2']]);
});
