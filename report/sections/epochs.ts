import type { ReportDocument } from '../../record/documents/report';
import { tiedEpochs } from '../../seal/report-data';
import type { Charts } from '../charts';
import { correlationFigure, score, whole } from '../figures';
import { type Column, figure, type Html, html, section, swatch, table } from '../html';
import { MOST_DOTS } from '../plots/length-scatter';
import { MOST_PANELS } from '../plots/plot-library';
import { tiedSentence } from '../tied-epochs';

/** Rewards of every epoch's candidates. */
export function rewardsSection({ report: { epochs, methods }, candidates }: ReportDocument, charts: Charts): Html {
  const columns: readonly Column<(typeof epochs)[number]>[] = [
    { head: 'epoch', cell: (row) => row.epoch },
    { head: 'proposed', cell: (row) => row.proposed, number: true },
    { head: 'cut off', cell: (row) => row.cutOff, number: true },
    { head: 'rejected', cell: (row) => row.rejected, number: true },
    { head: 'failed', cell: (row) => row.failed, number: true },
    { head: 'kept', cell: (row) => row.kept, number: true },
    { head: 'mean reward', cell: (row) => score(row.meanReward), number: true },
    { head: 'best reward', cell: (row) => score(row.bestReward), number: true },
    { head: 'all rewards equal', cell: (row) => `${row.tied} of ${row.compared}`, number: true },
  ];
  const plot = candidates.some(({ reward }) => reward !== null)
    ? figure(
        (widthPx) => charts.rewards(candidates, methods[0]?.grader ?? '', widthPx),
        html`Candidates by reward in each epoch: ${swatch('kept', 'kept by selection')} ${swatch('rest', 'not kept')}.${panelsRule(epochs.length)}`,
      )
    : html`<p>No candidate has a reward yet.</p>`;
  const tied = tiedSentence(tiedEpochs(epochs));
  return section(
    'rewards',
    'Rewards by epoch',
    plot,
    epochs.length === 0 ? html`<p>No epoch has ended yet.</p>` : table('Epochs: what was proposed and what became of it; contexts in which all rewards are equal, of those with two or more', columns, epochs),
    tied === null ? html`` : html`<p>${tied}</p>`,
    epochs.some(({ cutOff }) => cutOff > 0) ? html`<p>A self-edit is cut off where it reaches <code>proposals.maxNewTokens</code>, or the end of the model’s context: it and its unfinished last line are learnt without an end.</p>` : html``,
  );
}

/** Whether longer self-edits earn more. */
export function lengthsSection({ report: { lengths }, candidates }: ReportDocument, charts: Charts): Html {
  if (lengths.length === 0) return html``;
  const columns: readonly Column<(typeof lengths)[number]>[] = [
    { head: 'epoch', cell: (row) => row.epoch },
    { head: 'scored', cell: (row) => row.n, number: true },
    { head: 'median characters', cell: (row) => whole(row.medianCharacters), number: true },
    { head: 'correlation', cell: (row) => correlationFigure(row.correlation), number: true },
    { head: 'within contexts', cell: (row) => correlationFigure(row.withinContexts), number: true },
  ];
  const sampled = lengths.some(({ n }) => n > MOST_DOTS) ? ` Of an epoch with more than ${MOST_DOTS}, every n-th candidate in planned order has a dot.` : '';
  return section(
    'lengths',
    'Length of self-edits and reward',
    figure(
      (widthPx) => charts.lengths(candidates, widthPx),
      html`Each dot is a scored candidate: ${swatch('kept dot', 'kept by selection')} ${swatch('hollow dot', 'not kept')}.${sampled}${panelsRule(lengths.length)}`,
    ),
    table('Correlation (Pearson’s r) of a self-edit’s characters with its reward', columns, lengths),
    html`<p>“Within contexts” compares self-edits of the same context only, so that long passages, or hard ones, do not pass for long self-edits.</p>`,
  );
}

/** Told where not every epoch has a facet. */
export function panelsRule(epochs: number): string {
  return epochs > MOST_PANELS ? ` Of ${epochs} epochs, ${MOST_PANELS} are drawn: the first, the last and evenly spaced ones between.` : '';
}
