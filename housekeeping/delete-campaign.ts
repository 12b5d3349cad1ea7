import { type OperatorAction } from '../campaign/campaign';
import { readAll } from '../record/bounded-reads';
import { deletionDocument } from '../record/documents/operators';
import { keyPrefixes, manifestKeys } from '../record/keys';
import type { ArtifactStore } from '../storage/artifact-store';
import { IN_FLIGHT_MS, NamedArtifacts, removeUnnamed } from './named-artifacts';

export interface DeletedCampaign {
  readonly campaignId: string;
  readonly manifests: number;
  readonly artifacts: number;
  readonly sizeBytes: number;
  /** Artifacts that are left to `seal gc`: they were written lately, and a campaign that has just been started may be about to name them. */
  readonly left: number;
  readonly workflows: number;
  /** Where it stands who deleted it, when and why. */
  readonly tombstone: string;
}

export interface Deletion {
  readonly campaignId: string;
  readonly store: ArtifactStore;
  readonly action: OperatorAction;
  /** Throws where the campaign runs: it may have been started again until its deletion was written down. */
  readonly refuseRunning: () => Promise<void>;
  /** Removes the campaign's workflows from the server. @returns how many there were */
  readonly removeWorkflows: () => Promise<number>;
  /** Hashes that campaigns which run hold without a manifest; asked just before anything is removed. */
  readonly held: () => Promise<readonly string[]>;
  readonly now: Date;
}

/**
 * Removes a campaign: its workflows, the artifacts that nothing else names, its manifests. Who and why is written first, the
 * campaign's own manifest goes last: killed anywhere, it is done again to its end, and the first who and why stand.
 */
export async function deleteCampaign({ campaignId, store, action, refuseRunning, removeWorkflows, held, now }: Deletion): Promise<DeletedCampaign> {
  const prefix = keyPrefixes.record(campaignId);
  const { manifest, summary: deletion, adopted } = await begin(store, campaignId, action, now);
  try {
    await refuseRunning();
  } catch (error) {
    if (!adopted) await store.remove(manifestKeys.deletion(campaignId));
    throw error;
  }
  const workflows = await removeWorkflows();
  const own = await new NamedArtifacts(store, (key) => key.startsWith(prefix), () => Promise.resolve([])).look();
  const named = new NamedArtifacts(store, (key) => !key.startsWith(prefix), held);
  const { artifacts, sizeBytes, young: left } = await removeUnnamed([...own], { store, named, cutoffMs: now.getTime() - IN_FLIGHT_MS, dryRun: false });
  const last = manifestKeys.campaign(campaignId);
  const keys = await store.list(prefix);
  await readAll(keys.filter((key) => key !== last), (key) => store.remove(key));
  await store.remove(last);
  const tombstone = manifestKeys.tombstone(campaignId, deletion.at);
  await store.publish(tombstone, manifest);
  await store.remove(manifestKeys.deletion(campaignId));
  return { campaignId, manifests: keys.length, artifacts, sizeBytes, left, workflows, tombstone };
}

/** Writes down that a campaign is being deleted: from then on it is not started again. @returns what was written when it was first tried */
async function begin(store: ArtifactStore, campaignId: string, { by, why }: OperatorAction, now: Date) {
  const campaign = await store.findManifest(manifestKeys.campaign(campaignId));
  return deletionDocument.publish(store, manifestKeys.deletion(campaignId), {
    files: {},
    lineage: { inputs: campaign?.lineage.inputs ?? {}, codeVersion: campaign?.lineage.codeVersion ?? 'unknown', settings: {} },
    summary: { campaignId, by, why, at: now.toISOString() },
  });
}
