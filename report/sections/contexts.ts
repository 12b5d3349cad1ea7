import type { ContextScores, ReportDocument } from '../../record/documents/report';
import { score } from '../figures';
import { type Column, type Html, html, section, table } from '../html';

const MOST_CONTEXTS = 200;

/** Every held-out context under every method. */
export function contextsSection({ report: { contexts, methods } }: ReportDocument): Html {
  if (contexts.length === 0) return html``;
  const columns: readonly Column<ContextScores>[] = [
    { head: 'context', cell: ({ contextId }) => html`<code>${contextId}</code>` },
    { head: 'title', cell: ({ title }) => title, prose: true },
    ...methods.map(({ name }): Column<ContextScores> => ({ head: name, cell: ({ scores }) => (scores[name] === undefined ? '' : score(scores[name])), number: true })),
  ];
  const hidden = contexts.length - MOST_CONTEXTS;
  return section(
    'contexts',
    'Scores by context',
    table('Held-out contexts: mean score over questions', columns, contexts.slice(0, MOST_CONTEXTS)),
    hidden > 0 ? html`<p>The first ${MOST_CONTEXTS} in the campaign's order; ${hidden} more are in report.json.</p>` : html``,
  );
}
