import type { ReportDocument } from '../../record/documents/report';
import type { Charts } from '../charts';
import { score, signed, whole } from '../figures';
import { type Column, figure, type Html, html, section, table } from '../html';
import { unadaptedSentences } from '../unadapted-runs';

/** Held-out score of every method. */
export function scoresSection({ report: { methods } }: ReportDocument, charts: Charts): Html {
  const grader = methods[0]?.grader;
  if (grader === undefined) return section('scores', 'Held-out score by method', html`<p>No method has been evaluated yet.</p>`);
  const columns: readonly Column<(typeof methods)[number]>[] = [
    { head: 'method', cell: (row) => row.name },
    { head: 'score', cell: (row) => score(row.score), number: true },
    { head: 'standard error', cell: (row) => row.standardError.toFixed(4), number: true },
    { head: 'contexts', cell: (row) => row.n, number: true },
    { head: 'steps', cell: (row) => row.meanSteps.toFixed(1), number: true },
    { head: 'trained tokens', cell: (row) => whole(row.meanTokens), number: true },
  ];
  return section(
    'scores',
    'Held-out score by method',
    figure(
      (widthPx) => charts.scores(methods, grader, widthPx),
      html`Mean over held-out contexts of each context's mean over its questions (grader <code>${grader}</code>); bars are one standard error either way.`,
    ),
    table('Methods: held-out score; steps and trained tokens are means of one fine-tune', columns, methods),
    ...unadaptedSentences(methods).map((sentence) => html`<p>${sentence}</p>`),
  );
}

/** Differences between methods on the same contexts. */
export function comparisonsSection({ report: { comparisons, methods } }: ReportDocument, charts: Charts): Html {
  if (comparisons.length === 0) return html``;
  const columns: readonly Column<(typeof comparisons)[number]>[] = [
    { head: 'method', cell: (row) => row.a },
    { head: 'compared with', cell: (row) => row.b },
    { head: 'difference', cell: (row) => signed(row.difference), number: true },
    { head: 'paired standard error', cell: (row) => row.pairedStandardError.toFixed(4), number: true },
    { head: 'contexts', cell: (row) => row.n, number: true },
  ];
  return section(
    'comparisons',
    'Paired differences',
    figure(
      (widthPx) => charts.differences(comparisons, methods[0]?.grader ?? '', widthPx),
      html`Mean over contexts of the difference on the same context; bars are one paired standard error either way. A difference within two of them of zero shows little.`,
    ),
    table('Paired differences between methods', columns, comparisons),
  );
}
