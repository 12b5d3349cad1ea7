import { grade } from '../../../seal/graders/grade';

const f1 = (goldAnswer: string, answer: string): number => grade('f1', { question: '', goldAnswer, answer });

test.each<[gold: string, answer: string, f1: number]>([
  ['blue wool', 'Blue wool.', 1],
  // precision 2/4, recall 2/2
  ['blue wool', 'it is blue wool', 2 / 3],
  // precision 1/1, recall 1/2
  ['blue wool', 'wool', 2 / 3],
  ['blue wool', 'salt', 0],
  // a word counts as often as the gold answer has it: precision 1/3, recall 1/1
  ['wool', 'wool wool wool', 0.5],
  ['the wool', 'a wool', 1],
  ['wool', '', 0],
  ['', 'wool', 0],
])('gold %j, answer %j: %d', (gold, answer, expected) => {
  expect(f1(gold, answer)).toBeCloseTo(expected, 12);
});
