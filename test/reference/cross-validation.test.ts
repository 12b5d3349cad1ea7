import { crossValidate } from '../../reference/cross-validation';
import { contextId } from '../../seal/ids';
import { type RecordedAnswer, recordedVerdicts } from '../../reference/recorded-verdicts';
import { sharedJson, testWith } from '../seal/shared-data';

type Row = [gold: string, answer: string, verdict: boolean];

/** One passage a list of rows; each row's answer stands as the adapter's, beside a baseline answer that is always wrong. */
function results(passages: readonly (readonly Row[])[]): readonly RecordedAnswer[] {
  const articles = passages.map((rows, i) => ({
    title: `T${i}`,
    context: `passage ${i}`,
    prompt: 'p',
    completions: [
      {
        text: 't',
        stats: { baseline_mean: 0, adapter_mean: 0 },
        questions: rows.map(([answer, adapter_answer, adapter_correct]) => ({
          question: 'What is it?',
          answer,
          adapter_answer,
          adapter_correct,
          baseline_answer: '',
          baseline_correct: false,
        })),
      },
    ],
  }));
  return recordedVerdicts({ articles }, 'f');
}

/** The judge accepts half of the words here, and all of them there. */
const LENIENT: readonly Row[] = [['blue wool', 'wool', true]];
const STRICT: readonly Row[] = [['blue wool', 'wool', false]];

test('a fold is judged with the thresholds that the other folds agree on', () => {
  const ids = Array.from({ length: 4 }, (_, i) => contextId(`T${i}`, `passage ${i}`));
  const inOrder = [...ids].sort();
  // passages 1 and 3 in the order of ids are fold 1 of 2, passages 2 and 4 fold 2
  const json = results(ids.map((id) => (inOrder.indexOf(id) % 2 === 0 ? LENIENT : STRICT)));
  const result = crossValidate(json, 'f', 'tokens', 2);
  expect(result.folds.map(({ contexts }) => contexts)).toEqual([
    [inOrder[0], inOrder[2]],
    [inOrder[1], inOrder[3]],
  ]);
  expect(result.folds.map(({ thresholds }) => thresholds)).toEqual([{ minimum: 0.55 }, { minimum: 0.33 }]);
  // every partial answer is missed, every empty one is right
  expect(result.folds.map(({ agreement }) => agreement)).toEqual([0.5, 0.5]);
  expect(result).toMatchObject({ grader: 'tokens', passages: 4, n: 8, agreement: 0.5, distinctAnswers: 8, distinctAgreement: 0.5 });
  expect(result.standardError).toBe(0);
});

test('the standard error is over passages, by their size', () => {
  const right: Row = ['wool', 'wool', true];
  const wrong: Row = ['wool', 'salt', true];
  const result = crossValidate(results([[right], [right], [wrong], [wrong]]), 'f', 'contains', 2);
  // agreed 2 2 1 1 of 2 each: deviations from 3/4 of 2 are .5 .5 -.5 -.5
  expect(result.agreement).toBe(0.75);
  expect(result.standardError).toBeCloseTo(Math.sqrt((4 / 3) * 1) / 8, 12);
  expect(result.folds.map(({ thresholds }) => thresholds)).toEqual([{}, {}]);
});

test('an answer given often counts once in the choice of thresholds and among the distinct', () => {
  const often = [LENIENT[0]!, LENIENT[0]!, LENIENT[0]!];
  const result = crossValidate(results([often, STRICT, STRICT]), 'f', 'tokens', 3);
  expect(result).toMatchObject({ n: 10, distinctAnswers: 6 });
  // beside one passage that wants all and one that does not, the shipped threshold is as good as any
  expect(result.folds.map(({ thresholds }) => thresholds['minimum'])).toEqual([0.55, 0.55, 0.55]);
});

test('more folds than passages are refused', () => {
  expect(() => crossValidate(results([LENIENT, STRICT]), 'f', 'tokens', 3)).toThrow('f: expected at least 3 passages for 3 folds, got 2');
});

// The figures of docs/graders.md.
testWith('seal/rank_iter0.json')('tokens agrees with 87.3 % of 6,750 recorded verdicts on passages its threshold was not chosen on', () => {
  const result = crossValidate(recordedVerdicts(sharedJson('seal/rank_iter0.json'), 'f'), 'f', 'tokens', 5);
  const digits = (value: number | null): string => value!.toFixed(4);
  expect(result).toMatchObject({ n: 6750, distinctAnswers: 3224, passages: 50 });
  expect([result.agreement, result.standardError, result.distinctAgreement, result.distinctStandardError].map(digits)).toEqual(['0.8733', '0.0122', '0.8672', '0.0102']);
  expect([result.precision, result.recall, result.kappa].map(digits)).toEqual(['0.8257', '0.8327', '0.7285']);
});
