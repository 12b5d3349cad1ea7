import { counted, seconds, whole } from '../figures';
import { type Column, type Html, html, section, table } from '../html';
import type { ReportDocument } from '../report-document';

const MOST_NAMED = 10;

interface Entry {
  readonly name: string;
  readonly total: string;
  readonly each: string;
}

/** What the campaign cost. */
export function ledgerSection({ report: { ledger, fineTunes, lessMemory } }: ReportDocument): Html {
  const entry = (name: string, value: number, format: (value: number) => string): Entry => ({
    name,
    total: format(value),
    each: fineTunes === 0 ? '' : format(value / fineTunes),
  });
  const entries: readonly Entry[] = [
    entry('wall time', ledger.wallSeconds, seconds),
    entry('training', ledger.trainSeconds, seconds),
    entry('evaluation', ledger.evaluateSeconds, seconds),
    entry('generation', ledger.generateSeconds, seconds),
    entry('trained tokens', ledger.trainedTokens, whole),
    entry('generated tokens', ledger.generatedTokens, whole),
    { name: 'retries', total: whole(ledger.retries), each: fineTunes === 0 ? '' : (ledger.retries / fineTunes).toFixed(3) },
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
    html`<p>Shared equally among ${counted(fineTunes, 'fine-tune')}: one a repeat of each scored candidate, and those of held-out evaluations. Training includes the M-steps.</p>`,
    lessMemorySentence(lessMemory),
  );
}

/** Nothing where all was computed at once. */
function lessMemorySentence(lessMemory: ReportDocument['report']['lessMemory']): Html {
  if (lessMemory.length === 0) return html``;
  const most = Math.max(...lessMemory.map(({ memoryParts }) => memoryParts));
  const named = lessMemory.slice(0, MOST_NAMED).map(({ id }) => id);
  const others = lessMemory.length - named.length;
  return html`<p>Memory was short: ${counted(lessMemory.length, 'candidate')} computed with less at once, in up to ${most} parts (${named.join(', ')}${others === 0 ? '' : ` and ${others} more in candidates.csv`}).</p>`;
}
