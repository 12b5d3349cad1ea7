import { ledgerOf } from '../../report/ledger';
import { NOTHING_SPENT } from '../../campaign/ledger';
import type { WorkRecord } from '../../record/documents/work';

function record(startSecond: number, seconds: number, spent: Partial<WorkRecord['spent']> = {}): WorkRecord {
  const startedAt = new Date(1e12 + startSecond * 1000).toISOString();
  return { kind: 'fine-tune', scope: 'epoch-1', from: 0, to: 1, repeat: 1, worker: '1@a', attempt: 1, startedAt, seconds, outcome: 'failed', spent: { ...NOTHING_SPENT, ...spent } };
}

test('a ledger is the sum over the records of work, with the peak of memory and the time that the workflow tells', () => {
  const records = [record(0, 10, { trainSeconds: 10, trainedTokens: 50, peakMemoryBytes: 600 }), record(20, 5, { trainSeconds: 5, redoneSteps: 2, peakMemoryBytes: 500 })];
  expect(ledgerOf(records, 90)).toEqual({ ...NOTHING_SPENT, wallSeconds: 90, retries: 1, trainSeconds: 15, trainedTokens: 50, redoneSteps: 2, peakMemoryBytes: 600 });
  expect(ledgerOf([], 90)).toEqual({ ...NOTHING_SPENT, wallSeconds: 90, retries: 0 });
});

test('a campaign that nobody could ask ran at least as long as something was computed, together or alone', () => {
  const records = [record(20, 5), record(0, 10), record(2, 3), record(8, 4)];
  expect(ledgerOf(records, 0).wallSeconds).toBe(12 + 5);
});

test('a computation of what an earlier one had been for is a retry', () => {
  const other = { ...record(0, 1), from: 1, to: 2 };
  const group = { ...record(5, 1), from: 0, to: 2 };
  expect(ledgerOf([record(0, 1), other, { ...other, kind: 'evaluate' }], 0).retries).toBe(0);
  expect(ledgerOf([record(0, 1), other, group, { ...group, scope: 'epoch-2' }], 0).retries).toBe(1);
});
