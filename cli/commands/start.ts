import type { Command } from 'commander';
import { DEFAULT_PRIORITY, LAST_PRIORITY } from '../../campaign/priority';
import { leftOutLines } from '../campaign-contexts';
import { withCampaigns } from '../campaign-client';
import { refuseFullDisk, warnOfFullDisk } from '../disk-state';
import { newCommand, runWith, withInterrupt, type CommonFlags } from '../command';
import { waitForCampaign } from '../finished-campaign';
import { wholeNumber } from '../flags';
import { prepareCampaign } from '../prepare-campaign';
import { checkCampaignId, newCampaignId, startCampaign } from '../start-campaign';

interface StartFlags extends CommonFlags {
  readonly id?: string;
  readonly priority?: number;
  readonly wait?: true;
}

/** `seal start`: checks a campaign file and everything it names, then starts it. */
export function startCommand(): Command {
  const command = newCommand('start', 'start a campaign; nothing is started before its file and all it names are checked')
    .argument('<file.yaml>', 'campaign file')
    .option('--id <id>', 'campaign id (default: the name in the file and the time)', (id: string) => checkCampaignId(id, '--id'))
    .option(
      '--priority <1-5>',
      `1 is computed before all others, ${LAST_PRIORITY} after them (default: ${DEFAULT_PRIORITY})`,
      wholeNumber('--priority', 1, LAST_PRIORITY),
    )
    .option('--wait', 'follow it to its end');
  return runWith<StartFlags>(command, async (flags, output, [file = '']) => {
    const prepared = await prepareCampaign(file);
    for (const line of leftOutLines(prepared.spec, prepared.contexts)) output.log(line);
    await refuseFullDisk();
    await warnOfFullDisk(output);
    const campaignId = flags.id ?? newCampaignId(prepared.spec.name, new Date());
    await withCampaigns(async (campaigns) => {
      await startCampaign(campaigns, campaignId, prepared, { priority: flags.priority });
      if (flags.wait !== true) {
        if (!(await campaigns.hasWorker())) output.log('no worker takes work yet: one that has just been started needs some seconds, else "seal up" starts one');
        output.result({ campaignId }, () => `started ${campaignId}; follow it with: seal watch ${campaignId}`);
        return;
      }
      output.log(`started ${campaignId}`);
      const progress = await withInterrupt('the campaign goes on', (signal) => waitForCampaign(campaigns, campaignId, output, signal));
      output.result({ campaignId, state: progress.state }, () => `${campaignId} completed; its report: seal report ${campaignId}`);
    });
  });
}
