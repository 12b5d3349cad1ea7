import { loadCharts, type Charts } from './charts';
import { Html, html, table, type Column } from './html';
import { PAGE_STYLE } from './page-style';
import type { ReportDocument } from './report-document';

const WIDE_PX = 800;
const NARROW_PX = 340;
const MOST_EXCLUDED_SHOWN = 200;

/** `report.html`: one file that needs no other, with plots as inline SVG and the same figures as tables. */
export async function renderReportHtml(document: ReportDocument): Promise<string> {
  const charts = await loadCharts();
  const { report } = document;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SEAL campaign ${report.campaignId}</title>
<style>${new Html(PAGE_STYLE)}</style>
</head>
<body><main>
<h1>${report.campaignId} <span class="state">${report.state}</span></h1>
<p class="lead">A SEAL training campaign: self-edits are proposed, trained on, rewarded by closed-book questions, and the best are taught to the policy.</p>
${ledgerFacts(document)}
${methodsSection(document, charts)}
${comparisonsSection(document, charts)}
${epochsSection(document, charts)}
${excludedSection(document)}
${lineageSection(document)}
</main></body>
</html>
`;
  return page.markup;
}

/** A chart for laptops and one for phones; the style sheet shows one of them. */
function figure(label: string, draw: (widthPx: number) => string, caption: Html): Html {
  return html`<figure role="group" aria-label="${label}">
<div class="wide">${new Html(draw(WIDE_PX))}</div>
<div class="narrow">${new Html(draw(NARROW_PX))}</div>
<figcaption>${caption}</figcaption>
</figure>`;
}

function ledgerFacts({ report: { ledger } }: ReportDocument): Html {
  const facts: readonly (readonly [string, string])[] = [
    ['wall time', seconds(ledger.wallSeconds)],
    ['training', seconds(ledger.trainSeconds)],
    ['evaluation', seconds(ledger.evaluateSeconds)],
    ['generation', seconds(ledger.generateSeconds)],
    ['trained tokens', whole(ledger.trainedTokens)],
    ['generated tokens', whole(ledger.generatedTokens)],
    ['retries', whole(ledger.retries)],
  ];
  return html`<dl class="facts">${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function methodsSection({ report: { methods } }: ReportDocument, charts: Charts): Html {
  const grader = methods[0]?.grader;
  if (grader === undefined) return html`<h2>Held-out score by method</h2><p>No method has been evaluated yet.</p>`;
  const columns: readonly Column<(typeof methods)[number]>[] = [
    { head: 'method', cell: (row) => row.name },
    { head: 'score', cell: (row) => row.score.toFixed(4), number: true },
    { head: 'standard error', cell: (row) => row.standardError.toFixed(4), number: true },
    { head: 'contexts', cell: (row) => row.n, number: true },
    { head: 'steps', cell: (row) => row.meanSteps.toFixed(1), number: true },
    { head: 'trained tokens', cell: (row) => whole(row.meanTokens), number: true },
  ];
  return html`<h2>Held-out score by method</h2>
${figure(
  'held-out score by method',
  (widthPx) => charts.scores(methods, grader, widthPx),
  html`Mean over held-out contexts of each context's mean over its questions (grader <code>${grader}</code>); bars are one standard error either way.`,
)}
${table(columns, methods)}
<p>Steps and trained tokens are means of one fine-tune.</p>`;
}

function comparisonsSection({ report: { comparisons, methods } }: ReportDocument, charts: Charts): Html {
  if (comparisons.length === 0) return html``;
  const columns: readonly Column<(typeof comparisons)[number]>[] = [
    { head: 'method', cell: (row) => row.a },
    { head: 'compared with', cell: (row) => row.b },
    { head: 'difference', cell: (row) => signed(row.difference), number: true },
    { head: 'paired standard error', cell: (row) => row.pairedStandardError.toFixed(4), number: true },
    { head: 'contexts', cell: (row) => row.n, number: true },
  ];
  return html`<h2>Paired differences</h2>
${figure(
  'paired differences between methods',
  (widthPx) => charts.differences(comparisons, methods[0]?.grader ?? '', widthPx),
  html`Mean over contexts of the difference on the same context; bars are one paired standard error either way. A difference within two of them of zero shows little.`,
)}
${table(columns, comparisons)}`;
}

function epochsSection({ report: { epochs, methods }, candidates }: ReportDocument, charts: Charts): Html {
  const columns: readonly Column<(typeof epochs)[number]>[] = [
    { head: 'epoch', cell: (row) => row.epoch, number: true },
    { head: 'proposed', cell: (row) => row.proposed, number: true },
    { head: 'rejected', cell: (row) => row.rejected, number: true },
    { head: 'failed', cell: (row) => row.failed, number: true },
    { head: 'kept', cell: (row) => row.kept, number: true },
    { head: 'mean reward', cell: (row) => row.meanReward.toFixed(4), number: true },
    { head: 'best reward', cell: (row) => row.bestReward.toFixed(4), number: true },
  ];
  const scored = candidates.some((candidate) => candidate.reward !== null);
  const plot = scored
    ? figure(
        'reward distribution by epoch',
        (widthPx) => charts.rewards(candidates, methods[0]?.grader ?? '', widthPx),
        html`Candidates by reward in each epoch: <span class="swatch" style="background:var(--mark)"></span>kept by selection <span class="swatch" style="background:var(--mark-rest)"></span>not kept.`,
      )
    : html`<p>No candidate has a reward yet.</p>`;
  return html`<h2>Rewards by epoch</h2>
${plot}
${epochs.length === 0 ? html`<p>No epoch has ended yet.</p>` : table(columns, epochs)}`;
}

function excludedSection({ report: { excluded } }: ReportDocument): Html {
  if (excluded.length === 0) return html`<h2>Excluded candidates</h2><p>None: every candidate was scored.</p>`;
  const columns: readonly Column<(typeof excluded)[number]>[] = [
    { head: 'candidate', cell: (row) => html`<code>${row.id}</code>` },
    { head: 'status', cell: (row) => row.status },
    { head: 'reason', cell: (row) => row.reason },
  ];
  const hidden = excluded.length - MOST_EXCLUDED_SHOWN;
  return html`<h2>Excluded candidates</h2>
<p>${excluded.length} left out of selection.</p>
${table(columns, excluded.slice(0, MOST_EXCLUDED_SHOWN))}
${hidden > 0 ? html`<p>${hidden} more are in candidates.csv.</p>` : html``}`;
}

function lineageSection({ lineage }: ReportDocument): Html {
  const entries: readonly (readonly [string, string])[] = [
    ['campaign name', lineage.name],
    ['seed', String(lineage.seed)],
    ['code version', lineage.codeVersion],
    ['campaign file (sha256)', lineage.specSha256],
    ['training contexts (sha256)', lineage.trainSha256],
    ['held-out contexts (sha256)', lineage.heldOutSha256],
    ...Object.entries(lineage.model).map(([file, sha256]) => [`model ${file} (sha256)`, sha256] as const),
    ...Object.entries(lineage.settings).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)] as const),
  ];
  const columns: readonly Column<(typeof entries)[number]>[] = [
    { head: 'input', cell: ([name]) => name },
    { head: 'value', cell: ([, value]) => html`<code>${value}</code>` },
  ];
  return html`<h2>Lineage</h2>
<p>The same inputs, seed and code give the same numbers.</p>
${table(columns, entries)}`;
}

function seconds(value: number): string {
  if (value < 120) return `${value.toFixed(1)} s`;
  const minutes = Math.floor(value / 60);
  if (minutes < 120) return `${minutes} min ${Math.round(value % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

function whole(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)}`;
}
