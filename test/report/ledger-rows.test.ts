import { ledgerRows } from '../../report/ledger-rows';
import { costOf, NOTHING_SPENT, type Spent, spentTogether } from '../../campaign/ledger';
import type { WorkRecord } from '../../record/documents/work';
import { ledgerCampaign } from './ledger-campaign';

const campaign = ledgerCampaign('c', { contexts: 2, proposals: { k: 2 }, heldOut: 3 });

function record(at: number, over: Partial<Omit<WorkRecord, 'spent'>>, spent: Partial<Spent>): WorkRecord {
  const startedAt = new Date(1e12 + at * 1000).toISOString();
  return { kind: 'fine-tune', scope: 'epoch-1', from: 0, to: 4, repeat: 1, worker: '1@a', attempt: 1, startedAt, seconds: 1, outcome: 'done', ...over, spent: spentTogether(spent, {}) };
}

const RECORDS: readonly WorkRecord[] = [
  record(30, { worker: '2@b', attempt: 2 }, { trainSeconds: 8, trainedTokens: 400, redoneSteps: 7, peakMemoryBytes: 900 }),
  record(0, { from: 0, to: 1, outcome: 'lost' }, { trainSeconds: 2, peakMemoryBytes: 700 }),
  record(10, { outcome: 'failed' }, { trainSeconds: 4, redoneSteps: 3 }),
  record(40, { kind: 'm-step', from: 0, to: 9, repeat: 0 }, { trainSeconds: 1 }),
  record(50, { kind: 'evaluate', scope: 'evaluation/passage-only', from: 1, to: 2 }, { evaluateSeconds: 5 }),
];
const SUM = RECORDS.reduce((sum, { spent }) => spentTogether(sum, spent), NOTHING_SPENT);

test.each(['worker', 'candidate', 'attempt'] as const)('rows by %s sum to the ledger', (part) => {
  const rows = ledgerRows(part, RECORDS, campaign);
  const sum = rows.reduce((total, row) => spentTogether(total, row), NOTHING_SPENT);
  for (const field of ['trainSeconds', 'evaluateSeconds', 'trainedTokens', 'redoneSteps'] as const) expect(sum[field]).toBeCloseTo(SUM[field], 9);
  expect(sum.peakMemoryBytes).toBe(900);
});

test('by worker: what each computed, failed at and was lost with', () => {
  const [first, second] = ledgerRows('worker', RECORDS, campaign);
  expect(first).toMatchObject({ name: '1@a', done: 2, failed: 1, lost: 1, trainSeconds: 7, evaluateSeconds: 5, redoneSteps: 3 });
  expect(second).toMatchObject({ name: '2@b', done: 1, failed: 0, lost: 0, trainSeconds: 8 });
});

test('by candidate: equal shares of what was computed together, under the ids of workflows', () => {
  const rows = new Map(ledgerRows('candidate', RECORDS, campaign).map((row) => [row.name, row]));
  expect(rows.get('epoch-1/train0/c1')).toMatchObject({ trainSeconds: 2 + 1 + 2, trainedTokens: 100, redoneSteps: 10, lost: 1, failed: 1, done: 1 });
  expect(rows.get('epoch-1/train1/c2')).toMatchObject({ trainSeconds: 1 + 2, redoneSteps: 0 });
  expect(rows.get('epoch-1/m-step')).toMatchObject({ trainSeconds: 1 });
  expect(rows.get('evaluation/passage-only/held1/c1')).toMatchObject({ evaluateSeconds: 5 });
});

test('by attempt: each computation with its number among those of the same candidates', () => {
  expect(ledgerRows('attempt', RECORDS, campaign).map(({ name }) => name)).toEqual([
    'epoch-1 fine-tune 0 r1, attempt 1 (1@a)',
    'epoch-1 fine-tune 0-3 r1, attempt 2 (1@a)',
    'epoch-1 fine-tune 0-3 r1, attempt 3 (2@b)',
    'epoch-1 m-step 0-8, attempt 1 (1@a)',
    'evaluation/passage-only evaluate 1 r1, attempt 1 (1@a)',
  ]);
});

test('an attempt for want of memory is named by its parts', () => {
  const [whole] = RECORDS;
  const [name] = ledgerRows('attempt', [{ ...whole!, memoryParts: 4 }], campaign).map((row) => row.name);
  expect(name).toMatch(/, attempt 1 in 4 parts \(/);
});

test('a price an hour is paid for every second of the language model', () => {
  expect(costOf({ trainSeconds: 1800, evaluateSeconds: 900, generateSeconds: 900 }, { pricePerHour: 2, currency: 'EUR' })).toBe(2);
});
