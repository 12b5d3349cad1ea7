import { z } from 'zod';
import { inputArtifacts } from '../housekeeping/named-artifacts';
import { artifactRefSchema } from '../campaign/artifacts';
import { manifestKeys } from '../record/keys';
import type { ArtifactStore } from '../storage/artifact-store';
import type { CampaignClient } from './campaign-client';

/** What of a campaign's input names artifacts. */
const startedWith = z.object({ train: artifactRefSchema, heldOut: artifactRefSchema, template: artifactRefSchema.exactOptional() });

/** Hashes of what campaigns that run hold in the store without a manifest of theirs: the inputs of those that have not been pinned yet. */
export async function heldByRunning(campaigns: CampaignClient, store: ArtifactStore, except?: string): Promise<readonly string[]> {
  const open = (await campaigns.list()).filter(({ campaignId, closed }) => closed === null && campaignId !== except);
  const held: string[] = [];
  for (const { campaignId } of open) {
    if ((await store.findManifest(manifestKeys.campaign(campaignId))) !== null) continue;
    held.push(...inputArtifacts(startedWith.parse(await campaigns.input(campaignId))));
  }
  return held;
}
