import { NotFiniteError } from '../../contracts/errors';

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
  const order = settings.topP < 1 ? nucleus(probabilities, settings.topP) : [...probabilities.keys()];
  const mass = order.reduce((sum, id) => sum + (probabilities[id] as number), 0);
  let left = random() * mass;
  for (const id of order) {
    left -= probabilities[id] as number;
    if (left < 0) return id;
  }
  return order.at(-1) ?? argmax(logits);
}

function softmax(logits: Float32Array, temperature: number): Float64Array {
  const highest = logits[argmax(logits)] as number;
  const exponentials = Float64Array.from(logits, (logit) => Math.exp((logit - highest) / temperature));
  const total = exponentials.reduce((a, b) => a + b, 0);
  return exponentials.map((value) => value / total);
}

/** The most likely ids, best first (of equals the smaller id), up to and including the one that reaches `topP`. */
function nucleus(probabilities: Float64Array, topP: number): number[] {
  const order = [...probabilities.keys()].sort((a, b) => (probabilities[b] as number) - (probabilities[a] as number) || a - b);
  let reached = 0;
  const last = order.findIndex((id) => (reached += probabilities[id] as number) >= topP);
  return last < 0 ? order : order.slice(0, last + 1);
}

/** Natural logarithm of a token's probability, whatever the temperature it is drawn at. */
export function logProbability(logits: Float32Array, id: number): number {
  const highest = logits[argmax(logits)] as number;
  const total = logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
  return (logits[id] as number) - highest - Math.log(total);
}
