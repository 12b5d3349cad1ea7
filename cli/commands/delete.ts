import type { Command } from 'commander';
import { deleteCampaign } from '../../housekeeping/delete-campaign';
import { BadInputError } from '../../campaign/errors';
import { keyPrefixes, manifestKeys } from '../../record/keys';
import { openStoreFromEnvironment } from '../../storage/open-store';
import { type CampaignExecution, withCampaigns } from '../campaign-client';
import { newCommand, runWith, type CommonFlags } from '../command';
import { nonEmpty } from '../flags';
import { operatingSystemUser } from '../operator';
import { heldByRunning } from '../running-campaigns';
import { readableBytes } from '../readable-bytes';
import { checkCampaignId } from '../start-campaign';

interface DeleteFlags extends CommonFlags {
  readonly by: string;
  readonly why: string;
  readonly yes?: true;
}

/** `seal delete`: a campaign's workflows, its record and the artifacts that nothing else names. */
export function deleteCommand(): Command {
  const command = newCommand('delete', 'remove a campaign that has ended: its histories on the server, its record, and the artifacts nothing else names')
    .argument('<id>', 'campaign id')
    .option('--yes', 'really: without it nothing is removed')
    .option('--by <who>', 'who does this', nonEmpty('--by', 'a name'), operatingSystemUser())
    .option('--why <why>', 'the reason, for the record', nonEmpty('--why', 'a reason'), 'no reason given');
  return runWith<DeleteFlags>(command, async ({ by, why, yes }, output, [id = '']) => {
    const campaignId = checkCampaignId(id, 'campaign id');
    const store = await openStoreFromEnvironment();
    try {
      await withCampaigns(async (campaigns) => {
        const ended = async (): Promise<CampaignExecution | null> => {
          const execution = await campaigns.find(campaignId);
          if (execution === null || execution.closed) return execution;
          throw new BadInputError({ where: campaignId, expected: 'a campaign that has ended, to delete it ("seal cancel" ends one)', got: `one that is ${execution.state}` });
        };
        const execution = await ended();
        const { length } = await store.list(keyPrefixes.record(campaignId));
        const isUnfinished = (await store.findManifest(manifestKeys.deletion(campaignId))) !== null;
        if (execution === null && length === 0 && !isUnfinished) {
          throw new BadInputError({ where: 'campaign id', expected: 'one that the server or the store knows (see seal list)', got: JSON.stringify(campaignId) });
        }
        if (yes !== true) throw new BadInputError({ where: '--yes', expected: `it, to remove ${campaignId} with ${length} manifests for good`, got: 'nothing' });
        const removeWorkflows = (): Promise<number> => campaigns.removeWorkflows(campaignId);
        const held = (): Promise<readonly string[]> => heldByRunning(campaigns, store, campaignId);
        const result = await deleteCampaign({ campaignId, store, action: { by, why }, refuseRunning: async () => void (await ended()), removeWorkflows, held, now: new Date() });
        const { manifests, artifacts, sizeBytes, left, workflows } = result;
        const rest = left === 0 ? '' : `; ${left} artifacts are left to "seal gc": they are younger than two hours, and a campaign that has just been started may want them`;
        output.result(result, () => `${campaignId} removed: ${workflows} workflows, ${manifests} manifests, ${artifacts} artifacts (${readableBytes(sizeBytes)})${rest}`);
      });
    } finally {
      store.close();
    }
  });
}
