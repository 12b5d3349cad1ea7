import type { WorkKind } from '../../campaign/work';
import type { ReportDocument, ScopeWork, TimelineWorker } from '../../record/documents/report';
import type { Charts } from '../charts';
import { percent, seconds, whole } from '../figures';
import { type Column, figure, type Html, html, section, swatch, table } from '../html';
import { MOST_LANES } from '../plots/timeline-bars';

const KIND_NAMES: Readonly<Record<WorkKind, string>> = {
  propose: 'proposing',
  unadapted: 'questions without adapter',
  'fine-tune': 'fine-tuning',
  evaluate: 'evaluating',
  'm-step': 'M-step',
};
const KINDS = Object.entries(KIND_NAMES) as [WorkKind, string][];
const MOST_WORKERS = 100;

/** What each worker computed when, and what each part of the campaign took. */
export function timelineSection({ report: { timeline } }: ReportDocument, charts: Charts): Html {
  const { workers, scopes, spanSeconds } = timeline;
  if (workers.length === 0) return section('timeline', 'Timeline', html`<p>No computation is recorded.</p>`);
  const workerColumns: readonly Column<TimelineWorker>[] = [
    { head: 'worker', cell: ({ worker }) => html`<code>${worker}</code>` },
    { head: 'computations', cell: (row) => whole(row.computations), number: true },
    { head: 'failed', cell: (row) => whole(row.failed), number: true },
    { head: 'busy', cell: (row) => seconds(row.busySeconds), number: true },
    { head: 'of the whole', cell: (row) => (spanSeconds === 0 ? '' : percent(row.busySeconds / spanSeconds)), number: true },
  ];
  const scopeColumns: readonly Column<ScopeWork>[] = [
    { head: 'part', cell: ({ scope }) => scope },
    ...KINDS.filter(([kind]) => scopes.some((scope) => scope.seconds[kind] > 0)).map(([kind, head]): Column<ScopeWork> => ({ head, cell: (row) => (row.seconds[kind] === 0 ? '' : seconds(row.seconds[kind])), number: true })),
    { head: 'computations', cell: (row) => whole(row.computations), number: true },
    { head: 'failed', cell: (row) => whole(row.failed), number: true },
  ];
  return section(
    'timeline',
    'Timeline',
    figure(
      (widthPx) => charts.timeline(timeline, widthPx),
      html`One lane a worker process: ${KINDS.map(([kind, name]) => html`${swatch(`kind-${kind}`, name)} `)}${swatch('failed', 'failed, cancelled or lost')}. Candidates of a group are computed together and share a bar; ${timeline.columnSeconds === null ? 'bars without a visible gap are joined' : `there are so many that each ${seconds(timeline.columnSeconds)} show what the worker did longest in them`}. Every attempt counts; of one that was killed, what its heartbeats had told.${workers.length > MOST_LANES ? ` Of ${workers.length} workers, the ${MOST_LANES} busiest are drawn.` : ''}`,
    ),
    table('Workers (process id @ host)', workerColumns, workers.slice(0, MOST_WORKERS)),
    workers.length > MOST_WORKERS ? html`<p>${workers.length - MOST_WORKERS} more are in report.json.</p>` : html``,
    table('Where the time went', scopeColumns, scopes),
  );
}
