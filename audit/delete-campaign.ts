import { readAll } from '../activities/stored/bounded-reads';
import type { Manifest } from '../contracts/artifacts';
import { manifestKeys, type OperatorAction } from '../contracts/campaign';
import { artifactKey, type ArtifactStore } from '../storage/artifact-store';
import { IN_FLIGHT_MS, namedArtifacts } from './named-artifacts';

export interface DeletedCampaign {
  readonly campaignId: string;
  readonly manifests: number;
  readonly artifacts: number;
  readonly sizeBytes: number;
  /** Artifacts that are left to `seal gc`: they were written lately, and campaigns that run may be about to name them. */
  readonly left: number;
  readonly workflows: number;
  /** Where it stands who deleted it, when and why. */
  readonly tombstone: string;
}

export interface Deletion {
  readonly campaignId: string;
  readonly store: ArtifactStore;
  readonly action: OperatorAction;
  /** Removes the campaign's workflows from the server. @returns how many there were */
  readonly removeWorkflows: () => Promise<number>;
  /** Hashes that campaigns which run hold without a manifest, and whether any runs at all. */
  readonly others: { readonly running: boolean; readonly held: readonly string[] };
  readonly now: Date;
}

/**
 * Removes a campaign: its workflows, the artifacts that nothing else names, its manifests. Who and why is written first, the
 * campaign's own manifest goes last: killed anywhere, it is done again to its end, and the first who and why stand.
 */
export async function deleteCampaign({ campaignId, store, action, removeWorkflows, others, now }: Deletion): Promise<DeletedCampaign> {
  const prefix = manifestKeys.record(campaignId);
  const deletion = await begin(store, campaignId, action, now);
  const workflows = await removeWorkflows();
  const elsewhere = await namedArtifacts(store, (key) => !key.startsWith(prefix));
  for (const sha256 of others.held) elsewhere.add(sha256);
  const own = await namedArtifacts(store, (key) => key.startsWith(prefix));
  let artifacts = 0;
  let sizeBytes = 0;
  let left = 0;
  await readAll([...own].filter((sha256) => !elsewhere.has(sha256)), async (sha256) => {
    const key = artifactKey({ sha256 });
    const found = await store.findObject(key);
    if (found === null) return;
    if (others.running && found.modifiedMs > now.getTime() - IN_FLIGHT_MS) {
      left += 1;
      return;
    }
    await store.remove(key);
    artifacts += 1;
    sizeBytes += found.sizeBytes;
  });
  const last = manifestKeys.campaign(campaignId);
  const keys = await store.list(prefix);
  await readAll(keys.filter((key) => key !== last), (key) => store.remove(key));
  await store.remove(last);
  const tombstone = manifestKeys.tombstone(campaignId, String(deletion.summary?.['at']));
  await store.publish(tombstone, deletion);
  await store.remove(manifestKeys.deletion(campaignId));
  return { campaignId, manifests: keys.length, artifacts, sizeBytes, left, workflows, tombstone };
}

/** Writes down that a campaign is being deleted. @returns what was written when it was first tried */
async function begin(store: ArtifactStore, campaignId: string, { by, why }: OperatorAction, now: Date): Promise<Manifest> {
  const campaign = await store.findManifest(manifestKeys.campaign(campaignId));
  const { manifest } = await store.publish(manifestKeys.deletion(campaignId), {
    kind: 'tombstone',
    files: {},
    lineage: { inputs: campaign?.lineage.inputs ?? {}, codeVersion: campaign?.lineage.codeVersion ?? 'unknown', settings: {} },
    summary: { campaignId, by, why, at: now.toISOString() },
  });
  return manifest;
}
