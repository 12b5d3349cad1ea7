import { type CorpusSpec, corpusSpecSchema } from '../../../../../seal/domains/knowledge/world/corpus-spec';
import { KINDS } from '../../../../../seal/domains/knowledge/world/kinds';
import { NAMES_IN_SPLIT, nameAt } from '../../../../../seal/domains/knowledge/world/names';
import { pretrainingDocuments, type PretrainingDocument } from '../../../../../seal/domains/knowledge/world/pretraining-documents';

const world = { seed: 7 };
const corpusYaml = {
  knownEntities: 30,
  selfEdits: {
    styles: { vague: 0.26, verbatim: 0.26, keywords: 0.2, atomic: 0.14, questionAnswer: 0.14 },
    dominance: 0.8,
    lines: [3, 8],
  },
  lossWeights: { prompt: 0.02, name: 4, value: 5 },
  phases: [
    { documents: 300, mix: { echo: 0, selfEdit: 1, statement: 0, question: 0 }, facts: [1, 3] },
    { mix: { echo: 0, selfEdit: 1, statement: 1, question: 1 }, facts: [6, 8] },
  ],
};
const corpus = corpusSpecSchema.parse(corpusYaml);

function take(spec: CorpusSpec, count: number, seed = 1): PretrainingDocument[] {
  const documents = pretrainingDocuments(world, spec, seed);
  return Array.from({ length: count }, () => documents.next().value);
}
const textOf = ({ segments }: PretrainingDocument): string => segments.map(({ text }) => text).join('');

const documents = take(corpus, 2000);
const texts = documents.map(textOf);
const selfEdits = texts.filter((text) => text.includes('Implications:'));

test('the same arguments give the same corpus, another seed another one', () => {
  expect(take(corpus, 500)).toEqual(documents.slice(0, 500));
  expect(take(corpus, 500, 2)).not.toEqual(documents.slice(0, 500));
});

test('phases follow each other in documents and in facts of a passage', () => {
  const sentences = (text: string): number => text.split('\n')[4]!.match(/[.](?: |$)/g)!.length;
  expect(texts.slice(0, 300).every((text) => text.includes('Implications:') && sentences(text) <= 4)).toBe(true);
  const later = texts.slice(300);
  expect(later.filter((text) => text.includes('Implications:')).every((text) => sentences(text) >= 7)).toBe(true);
  for (const share of [/Implications:\n/, /\nAnswer:\n/]) {
    expect(later.filter((text) => share.test(text)).length / later.length).toBeCloseTo(1 / 3, 1);
  }
});

test('no name of a train or held-out context occurs', () => {
  const words = new Set(texts.flatMap((text) => text.match(/\p{L}+/gu)!));
  for (const split of ['train', 'heldOut'] as const) {
    for (let i = 0; i < NAMES_IN_SPLIT[split]; i += 1) expect(words.has(nameAt(world.seed, split, i))).toBe(false);
  }
});

test('self-edits follow the prompt of a campaign, and every style occurs', () => {
  for (const text of selfEdits) {
    expect(text).toMatch(/^[^\n]+\n\nPassage:\n(\w+)\n\1 is [^\n]+\n\nImplications:\n- [^\n]+(?:\n- [^\n]+){2,7}$/);
  }
  const lines = selfEdits.flatMap((text) => text.split('Implications:\n')[1]!.split('\n'));
  const share = (pattern: RegExp): number => lines.filter((line) => pattern.test(line)).length / lines.length;
  expect(share(/^- Words about /)).toBeCloseTo(0.2, 1);
  expect(share(/\? Answer: [a-z]+$/)).toBeCloseTo(0.14, 1);
});

test('a self-edit states only what its passage tells', () => {
  const values = /(?:Answer: |Words about \w+: )([a-z, ]+)/g;
  for (const text of selfEdits) {
    const [passage, edit] = text.split('\n\nImplications:\n') as [string, string];
    for (const [, list] of edit.matchAll(values)) {
      for (const value of list!.split(', ')) expect(passage).toMatch(new RegExp(`\\b${value}\\b`));
    }
  }
});

test('passages and their sentences stand in no document without their prompt', () => {
  const fragments = KINDS.flatMap((kind) => kind.attributes.flatMap(({ passage }) => passage.map((wording) => wording.split('{v}')[0]!)))
    .filter((fragment) => fragment.length > 8);
  const closedBook = texts.filter((text) => !text.includes('Implications:'));
  expect(closedBook.length).toBeGreaterThan(800);
  for (const text of closedBook) for (const fragment of fragments) expect(text).not.toContain(fragment);
});

test('an echo tells pairs of words, then the same pairs', () => {
  const echoes = take({ ...corpus, phases: [{ mix: { echo: 1, selfEdit: 0, statement: 0, question: 0 }, facts: [1, 1] }] }, 300).map(textOf);
  const pairs = (text: string): string[] => text.replace(/^The |[.]$/g, '').match(/\w+ \w+/g)!;
  let sameOrder = 0;
  for (const text of echoes) {
    const [, told, echoed] = /^[^\n]+\n\nPassage:\n\w+\n([^\n]+)\n\nImplications:\n- ([^\n]+)$/.exec(text) as unknown as [string, string, string];
    expect(pairs(echoed).sort()).toEqual(pairs(told).sort());
    if (told === echoed) sameOrder += 1;
  }
  expect(sameOrder / echoes.length).toBeCloseTo(0.5, 0);
  expect(new Set(echoes).size).toBe(echoes.length);
});

test('values and names weigh as the spec says; a prompt weighs little and a first word of a line 1', () => {
  const weights = new Set(documents.flatMap(({ segments }) => segments.map(({ lossWeight }) => lossWeight)));
  expect([...weights].sort((a, b) => a - b)).toEqual([0.02, 1, 4, 5]);
  for (const { segments } of documents) {
    segments.forEach(({ text, lossWeight }, i) => {
      if (segments[i - 1]?.text.endsWith('\n- ') === true && segments[0]!.text.includes('Passage')) {
        expect({ text, lossWeight }).toEqual({ text, lossWeight: 1 });
      }
    });
  }
});

const { vague: _vague, ...stylesWithoutVague } = corpusYaml.selfEdits.styles;
const [firstPhase, lastPhase] = corpusYaml.phases;

test.each<[string, object, string, RegExp]>([
  ['an unknown key', { knwon: 1 }, '', /knwon/],
  ['no share', { phases: [{ ...lastPhase, mix: { echo: 0, selfEdit: 0, statement: 0, question: 0 } }] }, 'phases.0.mix', /^at least one share above 0/],
  ['a missing style', { selfEdits: { ...corpusYaml.selfEdits, styles: stylesWithoutVague } }, 'selfEdits.styles.vague', /number/],
  ['a reversed pair', { selfEdits: { ...corpusYaml.selfEdits, lines: [8, 3] } }, 'selfEdits.lines', /^\[fewest, most\] with fewest <= most$/],
  ['an endless first phase', { phases: [lastPhase, lastPhase] }, 'phases.0.documents', /^a number of documents/],
  ['an ending last phase', { phases: [firstPhase] }, 'phases.0.documents', /^no number/],
])('corpus spec with %s is refused where it is wrong', (_, change, field, message) => {
  const issue = corpusSpecSchema.safeParse({ ...corpusYaml, ...change }).error?.issues[0];
  expect(issue?.path.join('.')).toBe(field);
  expect(issue?.message).toMatch(message);
});
