/**
 * Where every random number of a campaign comes from: no clock, no `Math.random`.
 * `docs/adr/` tells why SHA-256 derives the seeds and sfc32 draws from them.
 */
import { sha256Words } from '../sha256';

/**
 * An unsigned 32-bit seed for one use in a campaign, for example
 * `deriveSeed(campaignSeed, 'fine-tune', epoch, contextId, candidate, repeat)`: the first word of SHA-256 over the JSON
 * list of seed and parts, so that ('a', 'b') and ('ab') differ, as do 1 and '1'.
 *
 * @throws RangeError for a part that JSON cannot hold apart from others (NaN or infinite)
 */
export function deriveSeed(campaignSeed: number, ...parts: readonly (string | number)[]): number {
  const path = [campaignSeed, ...parts];
  for (const part of path) {
    if (typeof part === 'number' && !Number.isFinite(part)) throw new RangeError(`seed part ${part} is not finite`);
  }
  return sha256Words(JSON.stringify(path))[0]!;
}

/**
 * Uniform numbers in [0, 1) with 32 bits of resolution: sfc32 ("small fast counting", from PractRand by Chris
 * Doty-Humphrey), seeded as there: the seed in one word, the counter at 1, 12 draws thrown away so that near seeds part.
 */
export function seededRandom(seed: number): () => number {
  let a = 0;
  let b = seed | 0;
  let c = 0;
  let counter = 1;
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return sum >>> 0;
  };
  for (let i = 0; i < 12; i += 1) next();
  return () => next() / 2 ** 32;
}

/** A whole number in 0..bound-1. */
export function randomBelow(random: () => number, bound: number): number {
  return Math.floor(random() * bound);
}

/** A new list in random order (Fisher-Yates, from the end). */
export function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i -= 1) {
    const j = randomBelow(random, i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}

/**
 * Of a self-edit's sampling. `scope` is its epoch (`epoch-1`), or `held-out`: every method's held-out self-edits share
 * their seeds, so that a difference between methods is not one of luck in sampling.
 */
export function proposalSeed(campaignSeed: number, scope: string, contextId: string, candidate: number): number {
  return deriveSeed(campaignSeed, 'proposal', scope, contextId, candidate);
}

/** Of one fine-tune and evaluation of a candidate; `scope` as for `proposalSeed`. */
export function repeatSeed(
  campaignSeed: number,
  scope: string,
  contextId: string,
  candidate: number,
  repeat: number,
): number {
  return deriveSeed(campaignSeed, 'fine-tune', scope, contextId, candidate, repeat);
}

/** Of an epoch's M-step: its fresh adapter and row order. */
export function mStepSeed(campaignSeed: number, epoch: number): number {
  return deriveSeed(campaignSeed, 'm-step', epoch);
}
