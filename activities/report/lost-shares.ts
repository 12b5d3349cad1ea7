import { spentTogether } from '../../contracts/ledger';
import type { WorkRecord } from '../../contracts/report-details';

/**
 * Of a lost computation everybody who waited for it leaves a record with its own share, since no worker lives to tell of the whole: they are
 * one record again. Others are as they were.
 */
export function joinedLostShares(records: readonly WorkRecord[]): WorkRecord[] {
  const joined = new Map<string, WorkRecord>();
  for (const record of records) {
    const { kind, scope, from, to, repeat, worker, startedAt, outcome } = record;
    const key = JSON.stringify([kind, scope, from, to, repeat, worker, startedAt, outcome === 'lost' ? 'lost' : joined.size]);
    const known = joined.get(key);
    joined.set(key, known === undefined ? record : { ...known, seconds: known.seconds + record.seconds, spent: spentTogether(known.spent ?? {}, record.spent ?? {}) });
  }
  return [...joined.values()];
}
