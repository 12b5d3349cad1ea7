import type { LedgerDocument } from '../../cli/campaign-ledger';
import { ledgerText } from '../../cli/ledger-table';

const COSTS = { trainSeconds: 8, evaluateSeconds: 2, generateSeconds: 1, trainedTokens: 100, generatedTokens: 20, redoneSteps: 3, peakMemoryBytes: 0 };

test('repeated computations are told apart from failed ones', () => {
  const rows = [{ name: '1@host', done: 5, failed: 11, lost: 0, ...COSTS }];
  const document: LedgerDocument = { campaignId: 'c', state: 'completed', ledger: { wallSeconds: 20, retries: 40, ...COSTS }, cost: null, by: 'worker', rows, lessMemory: [] };
  const [, , , retries, , head, row] = ledgerText(document).split('\n');
  expect(retries).toBe('40 computations repeated; failed and lost below are computations, one a group');
  expect(ledgerText({ ...document, by: 'candidate' })).toContain("are computations, a group's in the row of each member\n");
  expect(head).toMatch(/failed {2}lost/);
  expect(row).toMatch(/ 11 {5}0 /);
});
