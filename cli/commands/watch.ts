import type { Command } from 'commander';
import { withCampaigns } from '../campaign-client';
import { statusDocument, statusText } from '../campaign-status';
import { warnOfFullDisk } from '../disk-state';
import { newCommand, runWith, withInterrupt } from '../command';
import { waitForCampaign } from '../finished-campaign';
import { checkCampaignId } from '../start-campaign';

/** `seal watch`: live progress of a campaign, to its end; one that fails or is cancelled fails the command, with the reason. */
export function watchCommand(): Command {
  const command = newCommand('watch', 'live progress with the time that is left, to the end').argument('<id>', 'campaign id');
  return runWith(command, async (_flags, output, [id = '']) => {
    const campaignId = checkCampaignId(id, 'campaign id');
    await warnOfFullDisk(output);
    const progress = await withCampaigns((campaigns) => withInterrupt('the campaign goes on', (signal) => waitForCampaign(campaigns, campaignId, output, signal)));
    output.result(statusDocument(progress), () => statusText(progress));
  });
}
