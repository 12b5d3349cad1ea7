import type { EpochLosses, PolicyLosses, ReportDocument } from '../../record/documents/report';
import type { Charts } from '../charts';
import { loss, whole } from '../figures';
import { type Column, figure, type Html, html, section, table } from '../html';
import { panelsRule } from './epochs';

/** How training went: the candidates' fine-tunes, and the policy's. */
export function lossesSection({ report: { losses } }: ReportDocument, charts: Charts): Html {
  const { innerLoop, mStep, part } = losses;
  if (innerLoop.length === 0 && mStep.length === 0) return section('losses', 'Losses', html`<p>Nothing has been trained yet.</p>`);
  const parts = part === 'pass' ? 'A part is a pass over the rows' : 'A part is a tenth of the steps';
  const inner = html`${figure(
    (widthPx) => charts.innerLoop(losses, widthPx),
    html`Inner loop: median over candidates of the mean loss of a part of the fine-tune; the band reaches from the 10th to the 90th percentile. ${parts}${part === 'pass' ? ' (of a self-edit that asked for another number of passes, an equal share of its steps)' : ''}. First repeat of each candidate${sampling(innerLoop)}.${panelsRule(innerLoop.length)}`,
  )}
${table('Inner loop: median loss of candidates', INNER_COLUMNS, innerLoop)}`;
  // One step makes no curve.
  const curves = mStep.some(({ points }) => points.length > 1)
    ? figure(
        (widthPx) => charts.mStep(mStep, widthPx),
        html`M-step: loss of each optimiser step while the policy learns the kept self-edits.${panelsRule(mStep.length)}`,
      )
    : html``;
  const policy = html`${curves}
${table('M-step: loss', POLICY_COLUMNS, mStep)}`;
  return section('losses', 'Losses', innerLoop.length === 0 ? html`` : inner, mStep.length === 0 ? html`` : policy);
}

const INNER_COLUMNS: readonly Column<EpochLosses>[] = [
  { head: 'epoch', cell: (row) => row.epoch },
  { head: 'fine-tuned', cell: (row) => row.candidates, number: true },
  { head: 'read', cell: (row) => row.sampled, number: true },
  { head: 'first part', cell: (row) => lossOf(row.parts[0]?.median), number: true },
  { head: 'last part', cell: (row) => lossOf(row.parts.at(-1)?.median), number: true },
];

const POLICY_COLUMNS: readonly Column<PolicyLosses>[] = [
  { head: 'epoch', cell: (row) => row.epoch },
  { head: 'steps', cell: (row) => whole(row.steps), number: true },
  { head: 'first loss', cell: (row) => lossOf(row.points[0]?.loss), number: true },
  { head: 'last loss', cell: (row) => lossOf(row.points.at(-1)?.loss), number: true },
];

function lossOf(value: number | undefined): string {
  return value === undefined ? 'none' : loss(value);
}

function sampling(epochs: readonly EpochLosses[]): string {
  return epochs.some(({ sampled, candidates }) => sampled < candidates) ? ', evenly spaced ones where there are many' : '';
}
