import { costOf, type LedgerRow } from '../../campaign/ledger';
import type { ReportDocument } from '../../record/documents/report';
import { inPartsSentence } from '../computed-in-parts';
import { counted, memory, money, seconds, whole } from '../figures';
import { type Column, type Html, html, section, table } from '../html';

interface Entry {
  readonly name: string;
  readonly total: string;
  readonly each: string;
}

const MOST_WORKERS = 100;

/** What the campaign cost, in all and by worker. */
export function ledgerSection({ report: { ledger, fineTunes, lessMemory, ledgerByWorker, cost } }: ReportDocument): Html {
  const entry = (name: string, value: number, format: (value: number) => string): Entry => ({
    name,
    total: format(value),
    each: fineTunes === 0 ? '' : format(value / fineTunes),
  });
  const inParts = inPartsSentence(lessMemory);
  const entries: readonly Entry[] = [
    entry('wall time', ledger.wallSeconds, seconds),
    entry('training', ledger.trainSeconds, seconds),
    entry('evaluation', ledger.evaluateSeconds, seconds),
    entry('generation', ledger.generateSeconds, seconds),
    entry('trained tokens', ledger.trainedTokens, whole),
    entry('generated tokens', ledger.generatedTokens, whole),
    { name: 'repeated computations', total: whole(ledger.retries), each: fineTunes === 0 ? '' : (ledger.retries / fineTunes).toFixed(3) },
    { name: 'steps done again', total: whole(ledger.redoneSteps), each: '' },
    { name: 'peak of memory', total: memory(ledger.peakMemoryBytes), each: '' },
    ...(cost === null ? [] : [entry(`cost, at ${cost.pricePerHour} ${cost.currency} an hour`, cost.amount, (amount) => money(amount, cost))]),
  ];
  const columns: readonly Column<Entry>[] = [
    { head: 'what', cell: ({ name }) => name },
    { head: 'in all', cell: ({ total }) => total, number: true },
    { head: 'mean per fine-tune', cell: ({ each }) => each, number: true },
  ];
  return section(
    'ledger',
    'Ledger',
    table('What the campaign cost', columns, entries),
    html`<p>Shared equally among ${counted(fineTunes, 'fine-tune')}: one a repeat of each scored candidate, and those of held-out evaluations. Training includes the M-steps. Seconds are those for which the language model was occupied, by attempts that failed or were lost too; tokens are those of results. Retries are counted by activity: where the computation of a group fails, each of its members is attempted again, and the failure is one below.</p>`,
    inParts === null ? html`` : html`<p>${inParts}</p>`,
    ledgerByWorker.length === 0 ? html`` : table('Cost by worker (process id @ host)', workerColumns(cost), ledgerByWorker.slice(0, MOST_WORKERS)),
  );
}

function workerColumns(cost: ReportDocument['report']['cost']): Column<LedgerRow>[] {
  return [
    { head: 'worker', cell: ({ name }) => html`<code>${name}</code>` },
    { head: 'failed', cell: ({ failed }) => whole(failed), number: true },
    { head: 'lost', cell: ({ lost }) => whole(lost), number: true },
    { head: 'training', cell: (row) => seconds(row.trainSeconds), number: true },
    { head: 'evaluation', cell: (row) => seconds(row.evaluateSeconds), number: true },
    { head: 'generation', cell: (row) => seconds(row.generateSeconds), number: true },
    { head: 'steps done again', cell: (row) => whole(row.redoneSteps), number: true },
    { head: 'peak of memory', cell: (row) => memory(row.peakMemoryBytes), number: true },
    ...(cost === null ? [] : [{ head: 'cost', cell: (row: LedgerRow) => money(costOf(row, cost), cost), number: true } as const]),
  ];
}
