import fc from 'fast-check';
import { BadInputError } from '../../campaign/errors';
import { crossValidate } from '../../reference/cross-validation';
import { disagreements } from '../../reference/disagreements';
import { loadContexts } from '../../seal/domains/knowledge/load-contexts';
import { recordedVerdicts } from '../../reference/recorded-verdicts';
import { graderAgreement } from '../../reference/reference-agreement';
import { selectFromReferenceResults } from '../../reference/reference-selection';

/** Readers of the files that a user may hand over, from JSON that is already parsed. */
const READERS: Readonly<Record<string, (json: unknown) => unknown>> = {
  contexts: (json) => loadContexts(json, 'file.json'),
  'recorded verdicts': (json) => {
    const answers = recordedVerdicts(json, 'file.json');
    return [graderAgreement(answers, 'tokens'), disagreements(answers, 'tokens', 3)];
  },
  'cross-validation': (json) => crossValidate(recordedVerdicts(json, 'file.json'), 'file.json', 'tokens', 2),
  selection: (json) => selectFromReferenceResults(json, 'file.json', { rule: 'best-of-k', keep: 1 }),
};

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('', ' ', '\u0000', '\ud800', '__proto__', 'Vel', '12', '\u2028'));
const junk = fc.oneof(fc.jsonValue(), text, fc.constantFrom(null, true, -1, 1e308, [], {}));
/** Mostly what belongs there, now and then anything else, or nothing. */
const mostly = (proper: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 40, arbitrary: proper }, { weight: 1, arbitrary: junk }, { weight: 1, arbitrary: fc.constant(undefined) });
const listOf = (item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => mostly(fc.array(item, { minLength: 1, maxLength: 3 }));
const record = (fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> => mostly(fc.record(fields));

const squadAnswers = listOf(record({ text: mostly(text), answer_start: junk }));
const squadQuestions = listOf(record({ question: mostly(text), answers: squadAnswers, is_impossible: mostly(fc.boolean()) }));
const squadFile = record({ version: junk, data: listOf(record({ title: mostly(text), paragraphs: listOf(record({ context: mostly(text), qas: squadQuestions })) })) });
const squadRows = listOf(record({ id: junk, title: mostly(text), context: mostly(text), question: mostly(text), answers: record({ text: listOf(mostly(text)), answer_start: junk }) }));
const flatList = listOf(
  record({
    title: mostly(text),
    context: mostly(text),
    questions: listOf(record({ question: mostly(text), answer: mostly(text) })),
    completions: listOf(mostly(text)),
    extra: junk,
  }),
);
const contextsFile = fc.oneof(flatList, squadFile, squadRows);
const resultsFile = record({
  articles: listOf(
    record({
      title: mostly(text),
      prompt: mostly(text),
      context: mostly(text),
      completions: listOf(
        record({
          text: mostly(text),
          stats: record({ baseline_mean: mostly(fc.double()), adapter_mean: mostly(fc.double()) }),
          questions: listOf(
            record({
              question: mostly(text),
              answer: mostly(text),
              baseline_answer: mostly(text),
              adapter_answer: mostly(text),
              baseline_correct: mostly(fc.boolean()),
              adapter_correct: mostly(fc.boolean()),
            }),
          ),
        }),
      ),
    }),
  ),
});

/** The reader's error, if it had one; anything but a line that names the file is a failure of the test. */
function complaintOf(read: (json: unknown) => unknown, json: unknown): string | undefined {
  try {
    read(json);
    return undefined;
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    expect(error.message).toMatch(/^file\.json: [^\p{Cc}\p{Cs}\u2028\u2029]*expected /u);
    expect(error.message.length).toBeLessThan(1100);
    return error.message;
  }
}

describe.each(Object.entries(READERS))('%s', (name, read) => {
  test('any JSON is read, or refused in one line that names the file', () => {
    const seen = { read: 0, refused: 0 };
    fc.assert(
      fc.property(fc.oneof({ weight: 5, arbitrary: name === 'contexts' ? contextsFile : resultsFile }, { weight: 1, arbitrary: junk }), (json) => {
        seen[complaintOf(read, json) === undefined ? 'read' : 'refused']++;
      }),
      { numRuns: 400, seed: 1 },
    );
    // the files are neither all sound nor all broken
    expect(seen.read).toBeGreaterThan(3);
    expect(seen.refused).toBeGreaterThan(3);
  });

  const LIMIT_MS = 15_000;
  const SIZE = 50_000;
  const nested = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);

  test.each<[what: string, json: unknown]>([
    ['nested lists', nested(SIZE)],
    ['a nested list in its place', name === 'contexts' ? [{ title: 'T', context: 'c', questions: nested(SIZE) }] : { articles: nested(SIZE) }],
    ['a long list of nothing', name === 'contexts' ? Array.from({ length: SIZE }, () => null) : { articles: Array.from({ length: SIZE }, () => null) }],
    ['a very long title', [{ title: 'a'.repeat(SIZE * 20), context: 1, questions: [] }]],
    ['very many keys', Object.fromEntries(Array.from({ length: SIZE }, (_, i) => [`k${i}`, i]))],
    ['its prototype', JSON.parse('{"__proto__": {"articles": []}, "articles": {"__proto__": []}}')],
  ])(
    'refuses %s in time',
    (_what, json) => {
      expect(complaintOf(read, json)).toEqual(expect.any(String));
    },
    LIMIT_MS,
  );
});

test(
  'many sound passages are read in time',
  () => {
    const passages = Array.from({ length: 20_000 }, (_, i) => ({ title: 'T', context: `passage ${i}`, questions: [{ question: 'q', answer: 'a' }] }));
    expect(loadContexts(passages, 'file.json').contexts).toHaveLength(20_000);
  },
  15_000,
);

test(
  'many answers of many passages are judged in time',
  () => {
    const articles = Array.from({ length: 1_000 }, (_, i) => ({
      title: 'T',
      context: `passage ${i}`,
      prompt: 'p',
      completions: [
        {
          text: 't',
          stats: { baseline_mean: 0, adapter_mean: 0 },
          questions: Array.from({ length: 10 }, (_, q) => ({
            question: 'q',
            answer: 'wool',
            baseline_answer: `salt ${q}`,
            adapter_answer: `wool ${q}`,
            baseline_correct: false,
            adapter_correct: true,
          })),
        },
      ],
    }));
    const answers = recordedVerdicts({ articles }, 'file.json');
    expect(crossValidate(answers, 'file.json', 'tokens', 10)).toMatchObject({ n: 20_000, agreement: 1, standardError: 0 });
  },
  15_000,
);
