import type { Command } from 'commander';
import { withCampaigns } from '../campaign-client';
import { campaignStatus, statusDocument, statusText } from '../campaign-status';
import { warnOfFullDisk } from '../disk-state';
import { newCommand, runWith } from '../command';

/** `seal status`: where a campaign stands. */
export function statusCommand(): Command {
  const command = newCommand('status', 'where a campaign stands').argument('<id>', 'campaign id');
  return runWith(command, async (_flags, output, [campaignId = '']) => {
    const progress = await withCampaigns((campaigns) => campaignStatus(campaigns, campaignId));
    await warnOfFullDisk(output);
    output.result(statusDocument(progress), () => statusText(progress));
  });
}
