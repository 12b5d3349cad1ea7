import { computedInParts, inPartsSentence } from '../../report/computed-in-parts';
import { NOTHING_SPENT } from '../../campaign/ledger';
import type { CandidateRow } from '../../record/documents/report';
import type { WorkRecord } from '../../record/documents/work';
import { ledgerCampaign } from './ledger-campaign';

const campaign = ledgerCampaign('demo', { evaluation: { selfEditsPerContext: 1 } });

function candidate(id: string, memoryParts: number): CandidateRow {
  return { id, memoryParts } as CandidateRow;
}

function record(kind: WorkRecord['kind'], scope: string, memoryParts: number, outcome: WorkRecord['outcome'] = 'done'): WorkRecord {
  return { kind, scope, from: 0, to: 1, repeat: 1, worker: '1@a', attempt: 1, startedAt: '2026-11-26T10:00:00.000Z', seconds: 1, outcome, memoryParts, spent: NOTHING_SPENT };
}

test('candidates are named by their lineage, M-steps and evaluations by their records, with the most parts', () => {
  const found = computedInParts(
    [candidate('demo/epoch-1/train0/c1', 2), candidate('demo/epoch-1/train0/c2', 1)],
    [
      record('fine-tune', 'epoch-1', 2),
      record('m-step', 'epoch-1', 4),
      record('fine-tune', 'evaluation/seal-epoch-1', 2),
      record('evaluate', 'evaluation/seal-epoch-1', 8),
      // Nothing came of these, or all was computed at once.
      record('m-step', 'epoch-2', 2, 'failed'),
      record('unadapted', 'epoch-1', 1),
    ],
    campaign,
  );
  expect(found).toEqual([
    { id: 'demo/epoch-1/train0/c1', memoryParts: 2 },
    { id: 'demo/epoch-1/m-step', memoryParts: 4 },
    { id: 'demo/evaluation/seal-epoch-1/held0/c1', memoryParts: 8 },
  ]);
  expect(inPartsSentence(found)).toBe(
    'Memory was short: 3 results computed with less at once, in up to 8 parts, the same but for rounding ' +
      '(demo/epoch-1/train0/c1, demo/epoch-1/m-step, demo/evaluation/seal-epoch-1/held0/c1).',
  );
});

test('of many results the first are named', () => {
  const many = Array.from({ length: 12 }, (_, i) => ({ id: `c${i + 1}`, memoryParts: 2 }));
  expect(inPartsSentence(many)).toContain('(c1, c2, c3, c4, c5, c6, c7, c8, c9, c10 and 2 more in report.json)');
  expect(inPartsSentence([])).toBeNull();
});
