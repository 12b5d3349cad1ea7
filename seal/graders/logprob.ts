/**
 * `logprob`: how probable the model finds the gold answer, in natural log per token of the answer. It moves with every
 * little gain, where a tiny model's yes/no accuracy stays 0.
 * Departure: not in the paper.
 */
import type { ScoredRow } from '../../campaign/language-model';

/**
 * Natural-log probability per token of each gold answer given its closed-book prompt.
 *
 * @throws RangeError for an answer that encodes to no token
 */
export function logprobPerToken(rows: readonly ScoredRow[]): number[] {
  return rows.map((row, i) => {
    if (row.tokens < 1) throw new RangeError(`gold answer ${i + 1} has no token to score`);
    return row.logprob / row.tokens;
  });
}

/**
 * What the adapter adds to each gold answer's log-probability per token: positive is better.
 *
 * @param adapted `logprobPerToken` of the gold answers with the candidate's adapter
 * @param unadapted the same answers, scored by the policy that the candidate adapts
 * @throws RangeError when the lists differ in length
 */
export function logprobGain(adapted: readonly number[], unadapted: readonly number[]): number[] {
  if (adapted.length !== unadapted.length) {
    throw new RangeError(
      `${adapted.length} adapted answers cannot be compared with ${unadapted.length} unadapted ones`,
    );
  }
  return adapted.map((after, i) => after - unadapted[i]!);
}
