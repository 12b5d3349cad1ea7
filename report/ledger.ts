import { type Ledger, NOTHING_SPENT, spentTogether } from '../campaign/ledger';
import type { WorkRecord } from '../record/documents/work';

/**
 * A campaign's ledger: the sum over its records of work.
 *
 * @param wallSeconds since the campaign began, as its workflow tells; 0 where nobody could ask
 */
export function ledgerOf(records: readonly WorkRecord[], wallSeconds: number): Ledger {
  const spent = records.reduce((sum, record) => spentTogether(sum, record.spent), NOTHING_SPENT);
  return { ...spent, wallSeconds: Math.max(wallSeconds, secondsCovered(records)), retries: repetitions(records) };
}

/** Seconds in which at least one of the computations ran. */
function secondsCovered(records: readonly WorkRecord[]): number {
  const spans = records.map(({ startedAt, seconds }) => ({ startMs: Date.parse(startedAt), endMs: Date.parse(startedAt) + seconds * 1000 })).sort((a, b) => a.startMs - b.startMs);
  let [coveredMs, untilMs] = [0, -Infinity];
  for (const { startMs, endMs } of spans) {
    coveredMs += Math.max(0, endMs - Math.max(startMs, untilMs));
    untilMs = Math.max(untilMs, endMs);
  }
  return coveredMs / 1000;
}

/** Computations of candidates that an earlier one of the same kind was for. */
function repetitions(records: readonly WorkRecord[]): number {
  const known = new Map<string, WorkRecord[]>();
  let count = 0;
  for (const record of records) {
    const key = `${record.kind} ${record.scope} ${record.repeat}`;
    const others = known.get(key) ?? [];
    if (others.some(({ from, to }) => from < record.to && to > record.from)) count += 1;
    others.push(record);
    known.set(key, others);
  }
  return count;
}
