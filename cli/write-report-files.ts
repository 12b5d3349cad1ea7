import { mkdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { renderCandidatesCsv } from '../report/candidates-csv';
import { renderReportHtml } from '../report/report-html';
import type { CampaignReport } from '../record/documents/report';
import { sealHome } from '../settings/home';
import { openStoreFromEnvironment } from '../storage/open-store';
import { CampaignClient } from './campaign-client';
import { reportDocument } from './campaign-report';
import { writeOutput } from './output-file';

export interface WrittenReport {
  readonly report: CampaignReport;
  /** Path of report.html. */
  readonly html: string;
}

/** `$SEAL_HOME/reports/<id>`, from where the command runs if it is below. */
export function defaultReportDirectory(campaignId: string): string {
  const directory = join(sealHome(), 'reports', campaignId);
  const near = relative(process.cwd(), directory);
  return near.startsWith('..') ? directory : near;
}

/** Renders a campaign's report, finished or not, and writes report.html, report.json and candidates.csv. */
export async function writeReportFiles(campaignId: string, directory: string): Promise<WrittenReport> {
  const store = await openStoreFromEnvironment();
  try {
    const document = await reportDocument(store, () => CampaignClient.connect(), campaignId);
    const html = join(directory, 'report.html');
    const page = await renderReportHtml(document);
    mkdirSync(directory, { recursive: true });
    writeOutput('--out', html, page);
    writeOutput('--out', join(directory, 'report.json'), `${JSON.stringify(document.report, null, 2)}\n`);
    writeOutput('--out', join(directory, 'candidates.csv'), renderCandidatesCsv(document.candidates));
    return { report: document.report, html };
  } finally {
    store.close();
  }
}
