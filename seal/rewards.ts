/**
 * The reward of a self-edit: how well the model answers after training on it, without the passage in the prompt.
 * Source: paper, section "General Framework" (reward) and the reference's rounding of each repeat to 4 digits.
 *
 * Departure: with the `logprob` grader a question's score is the gain over the unadapted policy (graders/logprob.ts),
 * since log-probabilities of different questions have no common zero; every other grader rewards the plain mean grade.
 */
import { mean } from './statistics';

/** Mean over the questions of one fine-tune and evaluation, rounded to 4 decimal digits as the reference rounds. */
export function repeatReward(questionScores: readonly number[]): number {
  return Number(mean(questionScores).toFixed(4));
}

/** The reward of a candidate: the mean over its repeats, itself not rounded. */
export function candidateReward(repeatRewards: readonly number[]): number {
  return mean(repeatRewards);
}
