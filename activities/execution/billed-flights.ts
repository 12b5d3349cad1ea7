import { setImmediate } from 'node:timers/promises';
import { type Spent, spentTogether } from '../../contracts/ledger';
import type { Bill } from './bill';
import type { CostlyProgress } from './expenses';
import type { SharedFlights } from './shared-flight';

/** Who waits for a computation, among all that it is for. */
interface Passenger {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: CostlyProgress) => void;
  /** Whose results are asked for. */
  readonly positions: readonly number[];
  /** Whose results are computed. */
  readonly all: readonly number[];
}

/**
 * Joins a computation and pays for it: everybody aboard for the positions that they asked for, and whoever began it for those that
 * nobody aboard had asked for.
 *
 * @throws as SharedFlights.join
 */
export async function joinBilled<Result extends { readonly bill: Bill }>(
  flights: SharedFlights,
  key: string,
  { signal, onProgress, positions, all }: Passenger,
  work: (signal: AbortSignal, report: (progress: CostlyProgress) => void) => Promise<Result>,
): Promise<{ readonly result: Result; readonly spent: Spent }> {
  const begins = !flights.underWay(key);
  const share = { seconds: positions.length / all.length, steps: positions.includes(all[0] ?? -1) ? 1 : 0 } as const;
  const told = ({ underway, ...progress }: CostlyProgress): void => {
    onProgress({ ...progress, ...(underway && { underway: { ...underway, share } }) });
  };
  const result = await flights.join(key, { signal, onProgress: told }, work);
  const own = result.bill.take(positions);
  if (!begins) return { result, spent: own };
  // The others aboard take theirs first: they have landed with the same promise.
  await setImmediate();
  return { result, spent: spentTogether(own, result.bill.take()) };
}
