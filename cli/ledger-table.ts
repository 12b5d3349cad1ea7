import { inPartsSentence } from '../report/computed-in-parts';
import { renderCsv } from '../report/csv';
import { memory, money, seconds, whole } from '../report/figures';
import type { LedgerDocument } from './campaign-ledger';

type Row = LedgerDocument['rows'][number];

const COLUMNS: readonly { readonly name: string; readonly value: (row: Row) => string | number | null }[] = [
  { name: 'name', value: ({ name }) => name },
  { name: 'done', value: ({ done }) => done },
  { name: 'failed', value: ({ failed }) => failed },
  { name: 'lost', value: ({ lost }) => lost },
  { name: 'train_seconds', value: (row) => row.trainSeconds },
  { name: 'evaluate_seconds', value: (row) => row.evaluateSeconds },
  { name: 'generate_seconds', value: (row) => row.generateSeconds },
  { name: 'trained_tokens', value: (row) => row.trainedTokens },
  { name: 'generated_tokens', value: (row) => row.generatedTokens },
  { name: 'redone_steps', value: (row) => row.redoneSteps },
  { name: 'peak_memory_bytes', value: (row) => row.peakMemoryBytes },
  { name: 'cost', value: (row) => row.cost ?? null },
];

/** The parts, one record each. */
export function ledgerCsv({ rows }: LedgerDocument): string {
  return renderCsv([COLUMNS.map(({ name }) => name), ...rows.map((row) => COLUMNS.map(({ value }) => value(row)))]);
}

/** The whole, then its parts, for a terminal. */
export function ledgerText({ campaignId, state, ledger, cost, lessMemory, by, rows }: LedgerDocument): string {
  const inParts = inPartsSentence(lessMemory);
  const totals = [
    `training ${seconds(ledger.trainSeconds)}, evaluation ${seconds(ledger.evaluateSeconds)}, generation ${seconds(ledger.generateSeconds)}; wall time ${seconds(ledger.wallSeconds)}`,
    `${whole(ledger.trainedTokens)} tokens trained, ${whole(ledger.generatedTokens)} generated; ${whole(ledger.redoneSteps)} steps done again; peak of memory ${memory(ledger.peakMemoryBytes)}`,
    `${whole(ledger.retries)} computations repeated; failed and lost below are computations, ${by === 'candidate' ? "a group's in the row of each member" : 'one a group'}`,
    ...(cost === null ? [] : [`${money(cost.amount, cost)}, at ${cost.pricePerHour} ${cost.currency} an hour of computing`]),
    ...(inParts === null ? [] : [inParts]),
  ];
  const width = Math.max(by.length, ...rows.map(({ name }) => name.length));
  const head = `${by.padEnd(width)}   train s    eval s     gen s   failed  lost  redone  memory${cost === null ? '' : `  ${cost.currency}`}`;
  const lines = rows.map((row) => {
    const times = [row.trainSeconds, row.evaluateSeconds, row.generateSeconds].map((value) => value.toFixed(1).padStart(8)).join('  ');
    const counts = [String(row.failed).padStart(6), String(row.lost).padStart(4), String(row.redoneSteps).padStart(6)].join('  ');
    return `${row.name.padEnd(width)}  ${times}   ${counts}  ${memory(row.peakMemoryBytes)}${row.cost === undefined ? '' : `  ${row.cost.toFixed(4)}`}`;
  });
  return [`${campaignId}, ${state}`, ...totals, '', head, ...lines].join('\n');
}
