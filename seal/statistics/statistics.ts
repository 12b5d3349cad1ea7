/**
 * The few statistics a result is reported with: means, and standard errors over contexts.
 * Departure: the paper gives means only. Questions of one passage are not independent, so the unit is the context.
 */

/**
 * The same bits whatever the order of the values: they are summed from the least to the greatest.
 *
 * @throws RangeError for an empty list: a mean of nothing is not 0
 */
export function mean(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('the mean of no values is undefined');
  return [...values].sort((a, b) => a - b).reduce((sum, value) => sum + value, 0) / values.length;
}

/** Means of grades, rewards and accuracies differ by more than this, or by rounding alone. */
const ROUNDING = 1e-9;

/** Whether the mean `a` is above the mean `b`; two that differ by rounding are equal, and neither is above the other. */
export function exceeds(a: number, b: number): boolean {
  return a - b > ROUNDING;
}

/**
 * Sample standard deviation (n - 1) over sqrt(n). NaN for fewer than two values, which have no spread to estimate it
 * from.
 */
export function standardError(values: readonly number[]): number {
  if (values.length < 2) return Number.NaN;
  const centre = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
  return Math.sqrt(variance / values.length);
}

export interface PairedDifference {
  /** Mean of a[i] - b[i]. */
  readonly difference: number;
  /** Standard error of that mean; NaN for fewer than two pairs. */
  readonly pairedStandardError: number;
  readonly n: number;
}

/**
 * Compares two methods on the same contexts; a[i] and b[i] belong to one context.
 *
 * @throws RangeError when the lists differ in length or are empty
 */
export function pairedDifference(a: readonly number[], b: readonly number[]): PairedDifference {
  if (a.length !== b.length) throw new RangeError(`paired lists differ in length: ${a.length} and ${b.length}`);
  const differences = a.map((value, i) => value - b[i]!);
  return { difference: mean(differences), pairedStandardError: standardError(differences), n: a.length };
}

/** What was counted in one independent unit: `sum` of a total `weight`. */
export interface Cluster {
  readonly sum: number;
  readonly weight: number;
}

/**
 * Standard error of sum / weight over all clusters, where what belongs to one cluster is not independent:
 * sqrt(C / (C - 1) sum_c (sum_c - mean weight_c)^2) / weight. NaN for fewer than two clusters.
 * Source: the linearised variance of a ratio of means, as in cluster sampling.
 */
export function clusteredStandardError(clusters: readonly Cluster[]): number {
  if (clusters.length < 2) return Number.NaN;
  const weight = clusters.reduce((total, cluster) => total + cluster.weight, 0);
  const ratio = clusters.reduce((total, cluster) => total + cluster.sum, 0) / weight;
  const squares = clusters.reduce((total, cluster) => total + (cluster.sum - ratio * cluster.weight) ** 2, 0);
  return Math.sqrt((clusters.length / (clusters.length - 1)) * squares) / weight;
}
