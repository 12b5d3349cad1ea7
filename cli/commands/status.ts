import type { Command } from 'commander';
import { withCampaigns } from '../campaign-client';
import { campaignStatus, hasEnded, statusDocument, statusText, waitingLine } from '../campaign-status';
import { newCommand, runWith } from '../command';
import { reasonOfEnd } from '../finished-campaign';
import { warnOfFullDisk } from '../disk-state';
import { checkCampaignId } from '../start-campaign';

/** `seal status`: where a campaign stands. */
export function statusCommand(): Command {
  const command = newCommand('status', 'where a campaign stands').argument('<id>', 'campaign id');
  return runWith(command, async (_flags, output, [id = '']) => {
    const campaignId = checkCampaignId(id, 'campaign id');
    const { progress, waiting, reason } = await withCampaigns(async (campaigns) => {
      const standing = await campaignStatus(campaigns, campaignId);
      const waiting = hasEnded(standing.state) ? [] : await campaigns.waiting(campaignId);
      const hasStopped = standing.state === 'failed' || standing.state === 'cancelled';
      return { progress: standing, waiting, reason: hasStopped ? await reasonOfEnd(campaigns, standing) : undefined };
    });
    await warnOfFullDisk(output);
    output.result({ ...statusDocument(progress, reason), waiting }, () => [statusText(progress, reason), ...waiting.map(waitingLine)].join('\n'));
  });
}
