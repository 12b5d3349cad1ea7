import type { ReportDocument } from '../record/documents/report';
import { loadCharts } from './charts';
import { Html, html } from './html';
import { PAGE_STYLE } from './page-style';
import { contextsSection } from './sections/contexts';
import { lengthsSection, rewardsSection } from './sections/epochs';
import { examplesSection } from './sections/examples';
import { excludedSection } from './sections/excluded';
import { header } from './sections/header';
import { ledgerSection } from './sections/ledger';
import { lineageSection } from './sections/lineage';
import { lossesSection } from './sections/losses';
import { revisionsSection } from './sections/revisions';
import { comparisonsSection, scoresSection } from './sections/scores';
import { timelineSection } from './sections/timeline';

/**
 * `report.html`: one file that needs no other, with plots as inline SVG and the same figures as tables. Its size is bounded:
 * what could be many is aggregated, or sampled by a rule that the page tells.
 */
export async function renderReportHtml(document: ReportDocument): Promise<string> {
  const charts = await loadCharts();
  const sections = [
    scoresSection(document, charts),
    comparisonsSection(document, charts),
    rewardsSection(document, charts),
    examplesSection(document),
    lengthsSection(document, charts),
    lossesSection(document, charts),
    timelineSection(document, charts),
    ledgerSection(document),
    contextsSection(document),
    excludedSection(document),
    revisionsSection(document),
    lineageSection(document),
  ].filter(({ markup }) => markup !== '');
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SEAL campaign ${document.report.campaignId}</title>
<style>${new Html(PAGE_STYLE)}</style>
</head>
<body><main>
${header(document)}
${contents(sections)}
${sections}</main></body>
</html>
`;
  return page.markup;
}

/** Links to the sections, by their headings. */
function contents(sections: readonly Html[]): Html {
  const headings = sections.flatMap(({ markup }) => {
    const [, id, heading] = /<h2 id="([^"]+)">([^<]+)<\/h2>/.exec(markup) ?? [];
    return id === undefined || heading === undefined ? [] : [{ id, heading }];
  });
  return html`<nav aria-label="Contents"><ul>${headings.map(({ id, heading }) => html`<li><a href="#${id}">${new Html(heading)}</a></li>`)}</ul></nav>`;
}
