import type { ReportDocument } from '../../record/documents/report';
import { counted } from '../figures';
import { type Column, type Html, html, section, table } from '../html';

const MOST_REASONS = 20;
const MOST_SHOWN = 100;

interface ReasonCount {
  readonly status: string;
  readonly reason: string;
  readonly count: number;
}

/** What was left out of selection, and why. */
export function excludedSection({ report: { excluded } }: ReportDocument): Html {
  if (excluded.length === 0) return section('excluded', 'Excluded candidates', html`<p>None: every candidate was scored.</p>`);
  const reasons = countReasons(excluded);
  const reasonColumns: readonly Column<ReasonCount>[] = [
    { head: 'reason', cell: ({ reason }) => reason, prose: true },
    { head: 'status', cell: ({ status }) => status },
    { head: 'candidates', cell: ({ count }) => count, number: true },
  ];
  const columns: readonly Column<(typeof excluded)[number]>[] = [
    { head: 'candidate', cell: (row) => html`<code>${row.id}</code>` },
    { head: 'status', cell: (row) => row.status },
    { head: 'reason', cell: (row) => row.reason, prose: true },
  ];
  const hidden = excluded.length - MOST_SHOWN;
  return section(
    'excluded',
    'Excluded candidates',
    html`<p>${counted(excluded.length, 'candidate')} left out of selection.</p>`,
    table('Why candidates were left out', reasonColumns, reasons.slice(0, MOST_REASONS)),
    reasons.length > MOST_REASONS ? html`<p>${reasons.length - MOST_REASONS} rarer reasons are in candidates.csv.</p>` : html``,
    table('Excluded candidates', columns, excluded.slice(0, MOST_SHOWN)),
    hidden > 0 ? html`<p>${hidden} more are in candidates.csv.</p>` : html``,
  );
}

/** The most frequent first. */
function countReasons(excluded: ReportDocument['report']['excluded']): ReasonCount[] {
  const counts = new Map<string, ReasonCount>();
  for (const { status, reason } of excluded) {
    const key = `${status}\n${reason}`;
    counts.set(key, { status, reason, count: (counts.get(key)?.count ?? 0) + 1 });
  }
  return [...counts.values()].sort((a, b) => b.count - a.count);
}
