import { agreementOf } from '../../../seal/graders/agreement';

function answers(bothRight: number, graderOnly: number, judgeOnly: number, bothWrong: number) {
  return [
    ...Array.from({ length: bothRight }, () => ({ graded: true, verdict: true })),
    ...Array.from({ length: graderOnly }, () => ({ graded: true, verdict: false })),
    ...Array.from({ length: judgeOnly }, () => ({ graded: false, verdict: true })),
    ...Array.from({ length: bothWrong }, () => ({ graded: false, verdict: false })),
  ];
}

test('the textbook table: 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no has kappa 0.4', () => {
  const { n, agreement, precision, recall, kappa } = agreementOf(answers(20, 5, 10, 15));
  expect({ n, agreement, precision, recall }).toEqual({ n: 50, agreement: 0.7, precision: 0.8, recall: 20 / 30 });
  expect(kappa).toBeCloseTo(0.4, 12);
});

test.each([
  ['the grader says yes to nothing', answers(0, 0, 3, 1), { precision: null, recall: 0, kappa: 0 }],
  ['the judge says yes to nothing', answers(0, 3, 0, 1), { precision: 0, recall: null, kappa: 0 }],
  ['both say yes to everything', answers(4, 0, 0, 0), { precision: 1, recall: 1, kappa: null }],
  ['they always differ', answers(0, 2, 2, 0), { precision: 0, recall: 0, kappa: -1 }],
])('%s: what is undefined is null', (_, judged, expected) => {
  expect(agreementOf(judged)).toMatchObject(expected);
});

test('no answers have no agreement', () => {
  expect(() => agreementOf([])).toThrow(RangeError);
});
