/**
 * How two quantities of the same candidates go together.
 * Departure: not in the paper; a self-edit's length is the first thing that a reward may really be about.
 */
import { mean } from './statistics';

/**
 * Pearson's r of x[i] and y[i], -1..1; null for fewer than three pairs and where one of them does not vary.
 *
 * @throws RangeError when the lists differ in length
 */
export function correlation(x: readonly number[], y: readonly number[]): number | null {
  if (x.length !== y.length) throw new RangeError(`paired lists differ in length: ${x.length} and ${y.length}`);
  if (x.length < 3) return null;
  const [dx, dy] = [centred(x), centred(y)];
  const norm = Math.sqrt(dot(dx, dx) * dot(dy, dy));
  // What is left of equal values by rounding is no variation.
  if (norm <= Number.EPSILON * x.length * (1 + dot(x, x) + dot(y, y))) return null;
  return dot(dx, dy) / norm;
}

/**
 * The same after each group's own means are taken off x and y: what is left is how they go together within groups. Groups of one
 * say nothing and are left out.
 *
 * @param groups the group of each pair
 */
export function correlationWithin(groups: readonly string[], x: readonly number[], y: readonly number[]): number | null {
  const members = new Map<string, number[]>();
  groups.forEach((group, i) => members.set(group, [...(members.get(group) ?? []), i]));
  const kept = [...members.values()].filter((indices) => indices.length > 1);
  const within = (values: readonly number[]): number[] => kept.flatMap((indices) => centred(indices.map((i) => values[i]!)));
  return correlation(within(x), within(y));
}

/**
 * The value below which a share q of the values lies, interpolated between neighbours.
 *
 * @param q 0..1
 * @throws RangeError for an empty list
 */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError('no values have no quantile');
  const sorted = [...values].sort((a, b) => a - b);
  const place = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(place)]!, sorted[Math.ceil(place)]!];
  return low + (high - low) * (place - Math.floor(place));
}

function centred(values: readonly number[]): number[] {
  const centre = mean(values);
  return values.map((value) => value - centre);
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
