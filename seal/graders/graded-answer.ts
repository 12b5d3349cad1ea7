/** A closed-book answer beside what it should have been. */
export interface GradedAnswer {
  readonly question: string;
  readonly goldAnswer: string;
  readonly answer: string;
}
