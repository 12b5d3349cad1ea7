import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { OperatorAction } from '../campaign/campaign';
import { withCampaigns, type CampaignClient, type OperatorUpdate } from './campaign-client';
import { newCommand, runWith, type CommonFlags } from './command';
import { nonEmpty } from './flags';
import { checkCampaignId } from './start-campaign';

interface OperatorFlags extends CommonFlags {
  readonly by: string;
  readonly why: string;
}

/** What an action has brought about. */
export interface ActionEffect {
  /** In words, for a terminal. */
  readonly said: string;
  /** What `--json` prints beside the action. @default nothing */
  readonly document?: object;
}

export type OperatorAct = (campaigns: CampaignClient, campaignId: string, action: OperatorAction) => Promise<ActionEffect>;

/** Sends an Update to a campaign that runs. */
export function updating(update: OperatorUpdate, said: string): OperatorAct {
  return async (campaigns, campaignId, action) => {
    await campaigns.act(campaignId, update, action);
    return { said };
  };
}

/** A command that sends one operator's action, with who and why, into a campaign's history. */
export function operatorCommand(name: string, description: string, act: OperatorAct): Command {
  const command = newCommand(name, description)
    .argument('<id>', 'campaign id')
    .option('--by <who>', 'who does this', nonEmpty('--by', 'a name'), operatingSystemUser())
    .option('--why <why>', 'the reason, for the record', nonEmpty('--why', 'a reason'), 'no reason given');
  return runWith<OperatorFlags>(command, async ({ by, why }, output, [id = '']) => {
    const campaignId = checkCampaignId(id, 'campaign id');
    const { said, document } = await withCampaigns((campaigns) => act(campaigns, campaignId, { by, why }));
    output.result({ campaignId, action: name, by, why, ...document }, () => `${campaignId}: ${said}`);
  });
}

/** Containers may run under a user id that has no name. */
export function operatingSystemUser(): string {
  try {
    return userInfo().username;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_SYSTEM_ERROR') throw error;
    return `uid-${process.getuid?.() ?? 'unknown'}`;
  }
}
