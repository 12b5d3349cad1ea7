import { recordedLedger } from '../../activities/report/recorded-ledger';
import { NOTHING_SPENT } from '../../contracts/ledger';
import type { WorkRecord } from '../../contracts/report-details';

function record(startSecond: number, seconds: number, spent: Partial<WorkRecord['spent']> = {}): WorkRecord {
  const startedAt = new Date(1e12 + startSecond * 1000).toISOString();
  return { kind: 'fine-tune', scope: 'epoch-1', from: 0, to: 1, repeat: 1, worker: '1@a', startedAt, seconds, outcome: 'failed', spent: { ...NOTHING_SPENT, ...spent } };
}

const UNKNOWN = { wallSeconds: 0, ...NOTHING_SPENT };

test('what only records tell of is added, what only the workflow knows is kept', () => {
  const told = { ...UNKNOWN, wallSeconds: 90, trainSeconds: 10, generateSeconds: 7, retries: 3, trainedTokens: 50, peakMemoryBytes: 400 };
  const records = [record(0, 10, { trainSeconds: 10, trainedTokens: 50, peakMemoryBytes: 300 }), record(20, 5, { trainSeconds: 5, redoneSteps: 2, peakMemoryBytes: 500 })];
  expect(recordedLedger(told, records)).toEqual({ ...told, trainSeconds: 15, redoneSteps: 2, peakMemoryBytes: 500 });
  expect(recordedLedger(told, [])).toEqual(told);
});

test('a campaign that nobody could ask ran at least as long as something was computed, together or alone', () => {
  const records = [record(20, 5), record(0, 10), record(2, 3), record(8, 4)];
  expect(recordedLedger(UNKNOWN, records).wallSeconds).toBe(12 + 5);
});

test('a computation that another one repeats is a retry, also where no workflow could tell', () => {
  const other = { ...record(0, 1), from: 1, to: 2 };
  const group = { ...record(5, 1), from: 0, to: 2 };
  expect(recordedLedger(UNKNOWN, [record(0, 1), other, { ...other, kind: 'evaluate' }]).retries).toBe(0);
  expect(recordedLedger(UNKNOWN, [record(0, 1), other, group, { ...group, scope: 'epoch-2' }]).retries).toBe(1);
  expect(recordedLedger({ ...UNKNOWN, retries: 16 }, [record(0, 1), record(2, 1), record(4, 1)]).retries).toBe(16);
});
