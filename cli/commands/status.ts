import type { Command } from 'commander';
import { withCampaigns } from '../campaign-client';
import { campaignStatus, hasEnded, statusDocument, statusText, waitingLine } from '../campaign-status';
import { newCommand, runWith } from '../command';
import { warnOfFullDisk } from '../disk-state';
import { checkCampaignId } from '../start-campaign';

/** `seal status`: where a campaign stands. */
export function statusCommand(): Command {
  const command = newCommand('status', 'where a campaign stands').argument('<id>', 'campaign id');
  return runWith(command, async (_flags, output, [id = '']) => {
    const campaignId = checkCampaignId(id, 'campaign id');
    const { progress, waiting } = await withCampaigns(async (campaigns) => {
      const standing = await campaignStatus(campaigns, campaignId);
      return { progress: standing, waiting: hasEnded(standing.state) ? [] : await campaigns.waiting(campaignId) };
    });
    await warnOfFullDisk(output);
    output.result({ ...statusDocument(progress), waiting }, () => [statusText(progress), ...waiting.map(waitingLine)].join('\n'));
  });
}
