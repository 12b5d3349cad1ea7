import type { Command } from 'commander';
import { newCommand, runWith, type CommonFlags } from '../command';
import { writableDirectory } from '../directories';
import { nonEmpty } from '../flags';
import { methodsTable } from '../methods-table';
import { checkCampaignId } from '../start-campaign';
import { defaultReportDirectory, writeReportFiles } from '../write-report-files';

interface ReportFlags extends CommonFlags {
  readonly out?: string;
}

/** `seal report`: writes report.html, report.json and candidates.csv of a campaign, finished or not. */
export function reportCommand(): Command {
  const command = newCommand('report', 'write report.html, report.json and candidates.csv; of a running campaign, what is there so far')
    .argument('<id>', 'campaign id')
    .option('--out <dir>', 'where to (default: reports/<id> in $SEAL_HOME)', nonEmpty('--out', 'a directory'));
  return runWith<ReportFlags>(command, async (flags, output, [id = '']) => {
    const campaignId = checkCampaignId(id, 'campaign id');
    const directory = flags.out ?? defaultReportDirectory(campaignId);
    writableDirectory('--out', directory);
    const files = await writeReportFiles(campaignId, directory);
    output.result(files.report, () => `${methodsTable(files.report)}\n\n${files.html}`);
  });
}
