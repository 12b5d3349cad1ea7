import type { Command } from 'commander';
import { withCampaigns, type ListedCampaign } from '../campaign-client';
import { newCommand, runWith } from '../command';

/** `seal list`: every campaign the server knows, newest first. */
export function listCommand(): Command {
  return runWith(newCommand('list', 'every campaign, newest first'), async (_flags, output) => {
    const campaigns = await withCampaigns((client) => client.list());
    output.result({ campaigns }, () => (campaigns.length === 0 ? 'no campaigns' : campaigns.map(line).join('\n')));
  });
}

function line({ campaignId, state, started }: ListedCampaign): string {
  return `${state.padEnd(10)} ${started.slice(0, 19).replace('T', ' ')}  ${campaignId}`;
}
