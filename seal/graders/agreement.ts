/** How well a cheap grader reproduces the verdicts of a better judge. */

/** One answer judged twice: by the grader under test and by the recorded judge. */
export interface JudgedAnswer {
  readonly graded: boolean;
  readonly verdict: boolean;
}

export interface Agreement {
  readonly n: number;
  /** Share of answers on which grader and judge agree. */
  readonly agreement: number;
  /** Of what the grader calls right, the share the judge calls right; null when it calls nothing right. */
  readonly precision: number | null;
  /** Of what the judge calls right, the share the grader calls right; null when the judge calls nothing right. */
  readonly recall: number | null;
  /** Cohen's kappa: agreement beyond chance, 1 at most; null when chance alone already agrees on everything. */
  readonly kappa: number | null;
}

/** @throws RangeError when there is nothing to compare */
export function agreementOf(answers: readonly JudgedAnswer[]): Agreement {
  const n = answers.length;
  if (n === 0) throw new RangeError('agreement of no answers is undefined');
  const count = (graded: boolean, verdict: boolean): number =>
    answers.filter((answer) => answer.graded === graded && answer.verdict === verdict).length;
  const bothRight = count(true, true);
  const bothWrong = count(false, false);
  const gradedRight = bothRight + count(true, false);
  const judgedRight = bothRight + count(false, true);
  const agreement = (bothRight + bothWrong) / n;
  // chance = P(grader right) P(judge right) + P(grader wrong) P(judge wrong)
  const chance = (gradedRight * judgedRight + (n - gradedRight) * (n - judgedRight)) / n ** 2;
  return {
    n,
    agreement,
    precision: ratio(bothRight, gradedRight),
    recall: ratio(bothRight, judgedRight),
    kappa: ratio(agreement - chance, 1 - chance),
  };
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}
