/**
 * The reward of a self-edit: how well the model answers after training on it, without the passage in the prompt.
 * Source: paper, section "General Framework" (reward) and the reference's rounding of each repeat to 4 digits.
 *
 * Departures: with the `logprob` grader a question's score is the gain over the unadapted policy (graders/logprob.ts),
 * since log-probabilities of different questions have no common zero; every other grader rewards the plain mean grade. It is
 * rounded alike: 1e-4 nats a token is a factor of 1.0001, far below what another seed changes.
 */
import { mean } from '../statistics/statistics';

/** A reward is a whole number of these: the 4 decimal digits that the reference keeps of an accuracy. */
const UNITS = 10_000;

/** Mean over the questions of one fine-tune and evaluation, rounded by `rewardOfScore`. */
export function repeatReward(questionScores: readonly number[]): number {
  return rewardOfScore(mean(questionScores));
}

/**
 * A mean score in the unit of rewards: rounded to 4 decimal digits, for every grader. What a reward is compared with is rounded
 * by this too, else of two equal scores one would be the better.
 */
export function rewardOfScore(score: number): number {
  // The last bits of a sum depend on its parts: they may not decide which way a tie is rounded. And no reward is -0.
  return Number(Number(score.toPrecision(12)).toFixed(4)) + 0;
}

/**
 * The reward of a candidate: the mean over its repeats, itself not rounded. The sum is one of whole numbers, so that equal sums
 * give the same bits, in whatever order and from whatever repeats.
 *
 * @param repeatRewards rounded ones, as `repeatReward` gives them
 * @throws RangeError for no repeats
 */
export function candidateReward(repeatRewards: readonly number[]): number {
  if (repeatRewards.length === 0) throw new RangeError('a candidate without repeats has no reward');
  return repeatRewards.reduce((sum, reward) => sum + Math.round(reward * UNITS), 0) / (UNITS * repeatRewards.length);
}
