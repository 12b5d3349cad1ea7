import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { renderCandidatesCsv } from '../../activities/report/candidates-csv';
import { renderReportHtml } from '../../activities/report/report-html';
import { openStoreFromEnvironment } from '../../storage/open-store';
import { CampaignClient } from '../campaign-client';
import { reportDocument } from '../campaign-report';
import { newCommand, runWith, type CommonFlags } from '../command';
import { writableDirectory } from '../directories';
import { nonEmpty } from '../flags';
import { methodsTable } from '../methods-table';
import { checkCampaignId } from '../start-campaign';

interface ReportFlags extends CommonFlags {
  readonly out?: string;
}

/** `seal report`: writes report.html, report.json and candidates.csv of a campaign, finished or not. */
export function reportCommand(): Command {
  const command = newCommand('report', 'write report.html, report.json and candidates.csv; of a running campaign, what is there so far')
    .argument('<id>', 'campaign id')
    .option('--out <dir>', 'where to (default: report-<id>)', nonEmpty('--out', 'a directory'));
  return runWith<ReportFlags>(command, async (flags, output, [id = '']) => {
    const campaignId = checkCampaignId(id);
    const directory = flags.out ?? `report-${campaignId}`;
    writableDirectory('--out', directory);
    const files = await writeReportFiles(campaignId, directory);
    output.result(files.report, () => `${methodsTable(files.report)}\n\n${files.html}`);
  });
}

/** Renders and writes the three files. */
export async function writeReportFiles(campaignId: string, directory: string) {
  const store = await openStoreFromEnvironment();
  try {
    const document = await reportDocument(store, () => CampaignClient.connect(), campaignId);
    const html = join(directory, 'report.html');
    const page = await renderReportHtml(document);
    mkdirSync(directory, { recursive: true });
    writeFileSync(html, page);
    writeFileSync(join(directory, 'report.json'), `${JSON.stringify(document.report, null, 2)}\n`);
    writeFileSync(join(directory, 'candidates.csv'), renderCandidatesCsv(document.candidates));
    return { report: document.report, html };
  } finally {
    store.close();
  }
}
