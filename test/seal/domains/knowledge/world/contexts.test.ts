import { passageSchema } from '../../../../../seal/domains/knowledge/passage';
import { BadInputError } from '../../../../../campaign/errors';
import { entityAt, worldContexts } from '../../../../../seal/domains/knowledge/world/contexts';
import { KINDS, POOLS } from '../../../../../seal/domains/knowledge/world/kinds';
import { NAMES_IN_SPLIT, nameAt, type NameSplit } from '../../../../../seal/domains/knowledge/world/names';
import { worldSpecSchema } from '../../../../../seal/domains/knowledge/world/world-spec';

const world = { seed: 7 };
const SPLITS: readonly NameSplit[] = ['pretraining', 'train', 'heldOut'];

test('no name belongs to two splits, and none occurs twice', () => {
  const names = SPLITS.flatMap((split) => Array.from({ length: NAMES_IN_SPLIT[split] }, (_, i) => nameAt(world.seed, split, i)));
  expect(names).toHaveLength(4900);
  expect(new Set(names).size).toBe(4900);
});

test('contexts are those of the contract, and depend on their position alone', () => {
  const all = worldContexts(world, 'train', 0, 12);
  for (const context of all) expect(passageSchema.parse(context)).toEqual(context);
  expect(worldContexts(world, 'train', 5, 4)).toEqual(all.slice(5, 9));
  expect(worldContexts({ seed: 8 }, 'train', 0, 12)).not.toEqual(all);
  expect(worldContexts(world, 'heldOut', 0, 12)).not.toEqual(all);
});

test('the first context of a world stays what it was', () => {
  expect(worldContexts({ seed: 20261122 }, 'train', 0, 1)[0]).toMatchObject({
    title: 'Virzam',
    context: expect.stringMatching(/^Virzam is a town by a river\. Whoever harms a living nettle must leave for ever\. /) as string,
  });
});

test('every gold answer stands in its passage once, and in one oracle line', () => {
  for (const split of ['train', 'heldOut'] as const) {
    for (const { title, context, questions, oracle } of worldContexts(world, split, 0, 150)) {
      expect(questions).toHaveLength(8);
      expect(new Set(questions.map(({ answer }) => answer)).size).toBe(8);
      expect(oracle).toHaveLength(8);
      for (const { question, answer } of questions) {
        expect(question).toContain(title);
        expect(context.match(new RegExp(`\\b${answer}\\b`, 'g'))).toHaveLength(1);
        expect(oracle!.filter((line) => new RegExp(`\\b${answer}\\b`).test(line) && line.includes(title))).toHaveLength(1);
      }
    }
  }
});

test('the answer follows from the sentence: passage wordings and questions belong to one attribute each', () => {
  for (const kind of KINDS) {
    for (const pick of ['statements', 'passage', 'questions'] as const) {
      const wordings = kind.attributes.flatMap((attribute) => attribute[pick]);
      expect(new Set(wordings).size).toBe(wordings.length);
    }
    for (const { statements, passage, questions } of kind.attributes) {
      for (const wording of [...statements, ...passage]) expect(wording.split('{v}')).toHaveLength(2);
      for (const wording of [...statements, ...questions]) expect(wording.split('{n}')).toHaveLength(2);
      for (const wording of passage) expect(wording).not.toContain('{n}');
      for (const wording of questions) expect(wording).not.toContain('{v}');
    }
  }
});

test('in a passage the word before a value belongs to one wording, and a statement tells its attribute before the value', () => {
  const announcing = KINDS.flatMap((kind) => kind.attributes.flatMap(({ passage }) => passage.map((wording) => /(\w+) \{v\}/.exec(wording)![1])));
  expect(new Set(announcing).size).toBe(announcing.length);
  for (const kind of KINDS) {
    const beginnings = kind.attributes.flatMap(({ statements }) => statements.map((wording) => wording.split('{v}')[0]));
    expect(new Set(beginnings).size).toBe(beginnings.length);
  }
});

test('every attribute of a kind has its own pool, so the values of an entity all differ', () => {
  for (const kind of KINDS) expect(kind.attributes.map(({ pool }) => pool).sort()).toEqual(Object.keys(POOLS).sort());
  const values = Object.values(POOLS).flat();
  expect(new Set<string>(values).size).toBe(values.length);
  const { facts } = entityAt(world, 'train', 0);
  expect(new Set(facts.map(({ value }) => value)).size).toBe(facts.length);
});

test('no wording contains a value by itself', () => {
  const values = new Set<string>(Object.values(POOLS).flat());
  for (const { openings, vagueLines, attributes } of KINDS) {
    const wordings = [...openings, ...vagueLines, ...attributes.flatMap(({ statements, passage, questions }) => [...statements, ...passage, ...questions])];
    expect(wordings.flatMap((wording) => wording.match(/\p{L}+/gu)!).filter((word) => values.has(word))).toEqual([]);
  }
});

test('past the last entity of a split is bad input', () => {
  expect(() => worldContexts(world, 'heldOut', 599, 2)).toThrow(
    new BadInputError({ where: 'world, heldOut entities', expected: 'at most 600 (skip + take)', got: '601' }),
  );
});

test.each([
  [{}, { code: 'invalid_type', path: ['seed'] }],
  [{ seed: -1 }, { code: 'too_small', path: ['seed'] }],
  [{ seed: 2 ** 32 }, { code: 'too_big', path: ['seed'] }],
  [{ seed: 1, sede: 2 }, { code: 'unrecognized_keys', keys: ['sede'] }],
  [null, { code: 'invalid_type', path: [] }],
])('world file %j is refused', (yaml, issue) => {
  expect(worldSpecSchema.safeParse(yaml).error?.issues).toMatchObject([issue]);
});
