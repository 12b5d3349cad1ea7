/**
 * `logprob`: how probable the model finds the gold answer, in natural log per token of the answer. It moves with every
 * little gain, where a tiny model's yes/no accuracy stays 0.
 * Departure: not in the paper.
 */
import type { ScoredRow } from '../../contracts/language-model';

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
 * What the adapter adds to each gold answer's log-probability per token: positive is better. `adapted` and `unadapted` are
 * the same rows scored with the candidate's adapter and with the policy it adapts.
 *
 * @throws RangeError when the lists do not hold the same rows
 */
export function logprobGain(adapted: readonly ScoredRow[], unadapted: readonly ScoredRow[]): number[] {
  if (adapted.length !== unadapted.length) {
    throw new RangeError(`${adapted.length} adapted rows cannot be compared with ${unadapted.length} unadapted ones`);
  }
  const before = logprobPerToken(unadapted);
  return logprobPerToken(adapted).map((after, i) => {
    if (adapted[i]!.tokens !== unadapted[i]!.tokens) {
      throw new RangeError(`gold answer ${i + 1} has ${adapted[i]!.tokens} tokens adapted and ${unadapted[i]!.tokens} unadapted`);
    }
    return after - before[i]!;
  });
}
