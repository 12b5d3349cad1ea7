import type { CampaignReport, ReportDocument } from '../../record/documents/report';
import { type Column, type Html, html, section, table } from '../html';

/** What was tried again after the campaign had ended, by whom and why; scores are those after the last. */
export function revisionsSection({ report: { revisions } }: ReportDocument): Html {
  if (revisions.length === 0) return html``;
  const columns: readonly Column<CampaignReport['revisions'][number]>[] = [
    { head: 'revision', cell: ({ revision }) => revision, number: true },
    { head: 'by', cell: ({ by }) => by },
    { head: 'why', cell: ({ why }) => why, prose: true },
    { head: 'epoch', cell: ({ retried }) => retried.epoch, number: true },
    { head: 'candidates tried again', cell: ({ retried }) => retried.candidates, number: true },
    { head: 'selection', cell: ({ changed }) => (changed ? 'keeps others' : 'keeps the same') },
    { head: 'epochs run again', cell: ({ stale }) => (stale.length === 0 ? 'none' : stale.join(', ')) },
  ];
  return section('revisions', 'Revisions', html`<p>Failed candidates were tried again. What stood before is kept in the record; this report shows what counts now.</p>`, table('Revisions', columns, revisions));
}
