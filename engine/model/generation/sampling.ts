import { NotFiniteError } from '../../../campaign/errors';

/** Index of the largest logit; of equal ones the first. @throws NotFiniteError naming the first logit that is NaN or infinite */
export function argmax(logits: Float32Array): number {
  let best = 0;
  let sum = 0;
  for (let i = 0; i < logits.length; i += 1) {
    const logit = logits[i] as number;
    if (logit > (logits[best] as number)) best = i;
    sum += logit;
  }
  // No sum of finite floats leaves a double's range; of any other number the sum shows.
  if (!Number.isFinite(sum)) throw notFinite(logits);
  return best;
}

function notFinite(logits: Float32Array): NotFiniteError {
  const token = logits.findIndex((logit) => !Number.isFinite(logit));
  return new NotFiniteError(`expected finite logits, got ${logits[token]} for token ${token}`);
}

export interface SamplingSettings {
  /** 0 is greedy. */
  readonly temperature: number;
  /** Of the smallest set of most likely tokens whose probabilities reach this; 1 is all. */
  readonly topP: number;
}

/** Draws the next token of a row. Source: Holtzman et al. (arXiv 1904.09751) for nucleus sampling. */
export function sampleToken(logits: Float32Array, settings: SamplingSettings, random: () => number): number {
  if (settings.temperature === 0) return argmax(logits);
  const probabilities = softmax(logits, settings.temperature);
  return settings.topP < 1 ? drawFrom(nucleus(probabilities, settings.topP), probabilities, random) : drawFrom(undefined, probabilities, random);
}

/** One of the ids, in proportion to their probabilities. @param ids @default all, in order */
function drawFrom(ids: readonly number[] | undefined, probabilities: Float64Array, random: () => number): number {
  const count = ids?.length ?? probabilities.length;
  const idAt = (i: number): number => (ids === undefined ? i : (ids[i] as number));
  let mass = 0;
  for (let i = 0; i < count; i += 1) mass += probabilities[idAt(i)] as number;
  let left = random() * mass;
  for (let i = 0; i < count; i += 1) {
    left -= probabilities[idAt(i)] as number;
    if (left < 0) return idAt(i);
  }
  return idAt(count - 1);
}

// Loops, where a vocabulary of 150 thousand makes an array's methods a noticeable part of a step.

function softmax(logits: Float32Array, temperature: number): Float64Array {
  const highest = logits[argmax(logits)] as number;
  const probabilities = new Float64Array(logits.length);
  let total = 0;
  for (let i = 0; i < logits.length; i += 1) total += probabilities[i] = Math.exp(((logits[i] as number) - highest) / temperature);
  for (let i = 0; i < logits.length; i += 1) probabilities[i] = (probabilities[i] as number) / total;
  return probabilities;
}

/** The most likely ids, best first (of equals the smaller id), up to and including the one that reaches `topP`. */
function nucleus(probabilities: Float64Array, topP: number): number[] {
  const order = likeliest(probabilities, topP).sort((a, b) => (probabilities[b] as number) - (probabilities[a] as number) || a - b);
  let reached = 0;
  const last = order.findIndex((id) => (reached += probabilities[id] as number) >= topP);
  return last < 0 ? order : order.slice(0, last + 1);
}

/** Every id above some probability that is low enough for them to reach `topP`: few to sort. All ids, where none is. */
function likeliest(probabilities: Float64Array, topP: number): number[] {
  for (let least = 1 / 64; least > 1e-12; least /= 64) {
    let reached = 0;
    const ids: number[] = [];
    for (let id = 0; id < probabilities.length; id += 1) {
      const probability = probabilities[id] as number;
      if (probability < least) continue;
      reached += probability;
      ids.push(id);
    }
    // A little more than asked for: sums in another order round otherwise.
    if (reached >= topP + 1e-9) return ids;
  }
  return [...probabilities.keys()];
}

/** Natural logarithm of a token's probability, whatever the temperature it is drawn at. */
export function logProbability(logits: Float32Array, id: number): number {
  const highest = logits[argmax(logits)] as number;
  let total = 0;
  for (let i = 0; i < logits.length; i += 1) total += Math.exp((logits[i] as number) - highest);
  return (logits[id] as number) - highest - Math.log(total);
}
