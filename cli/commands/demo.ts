import { join } from 'node:path';
import type { Command } from 'commander';
import { startStack } from '../../infra/stack/stack';
import { packageRoot } from '../../infra/stack/package-root';
import { withCampaigns } from '../campaign-client';
import { newCommand, runWith, withInterrupt, type CommonFlags } from '../command';
import { duration } from '../duration';
import { waitForCampaign } from '../finished-campaign';
import { methodsTable } from '../methods-table';
import { prepareCampaign } from '../prepare-campaign';
import { checkCampaignId, newCampaignId, startCampaign } from '../start-campaign';
import { defaultReportDirectory, writeReportFiles } from '../write-report-files';

interface DemoFlags extends CommonFlags {
  readonly id?: string;
}

/** The campaign file of the demo, in the package. */
const CAMPAIGN_FILE = join('examples', 'campaigns', 'demo.yaml');

/** `seal demo`: the whole thing once, on this machine: servers, a campaign of the nano model, its result. */
export function demoCommand(): Command {
  const command = newCommand('demo', 'start the servers, run examples/campaigns/demo.yaml and print what it achieved').option(
    '--id <id>',
    'campaign id (default: demo and the time)',
    (id: string) => checkCampaignId(id, '--id'),
  );
  return runWith<DemoFlags>(command, async (flags, output) => {
    const prepared = await prepareCampaign(join(packageRoot(), CAMPAIGN_FILE));
    const { temporal } = await startStack({ say: (line) => output.log(line) });
    const startedMs = performance.now();
    const campaignId = flags.id ?? newCampaignId(prepared.spec.name, new Date());
    output.log(`campaign ${campaignId}${typeof temporal?.uiUrl !== 'string' ? '' : `; its history: ${temporal.uiUrl}`}`);
    await withCampaigns(async (campaigns) => {
      await startCampaign(campaigns, campaignId, prepared);
      await withInterrupt(`the campaign goes on; "npm run seal -- watch ${campaignId}" follows it`, (signal) => waitForCampaign(campaigns, campaignId, output, signal));
    });
    const seconds = (performance.now() - startedMs) / 1000;
    const { report, html } = await writeReportFiles(campaignId, defaultReportDirectory(campaignId));
    output.result({ campaignId, seconds, report, html }, () =>
      [methodsTable(report), '', `plots, tables and lineage: ${html}`, `${duration(seconds)} in all; the servers go on ("npm run seal -- down" stops them)`].join('\n'),
    );
  });
}
