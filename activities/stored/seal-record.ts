/**
 * A campaign's seal: the hash of every manifest of its record. Artifacts are named by their content and manifests are not, so it is
 * what shows a changed byte in a manifest that no other one names. Its own key is its hash.
 */
import type { Manifest } from '../../contracts/artifacts';
import { keyPrefixes, manifestKeys } from '../../record/keys';
import type { ArtifactStore } from '../../storage/artifact-store';
import { hashBytes } from '../../storage/content-hash';
import type { PinnedCampaign, SealRef } from '../activity-types';
import { readAll } from './bounded-reads';
import { manifestSha256, putJson } from './stored-json';

export const SEAL_KIND = 'seal';
export const SEAL_FILE = 'manifests.json';

/** Content of SEAL_FILE: manifest key -> sha256 of its bytes. */
export type SealedManifests = Readonly<Record<string, string>>;

/** Names every manifest that the campaign has published so far, but earlier seals and checkpoints, which go when they have served. */
export async function sealRecord(store: ArtifactStore, { campaignId, input }: PinnedCampaign, codeVersion: string): Promise<SealRef> {
  const passing = [keyPrefixes.digests(campaignId), keyPrefixes.checkpoints(campaignId)];
  const keys = (await store.list(keyPrefixes.record(campaignId))).filter((key) => !passing.some((prefix) => key.startsWith(prefix)));
  const hashes = await readAll(keys, async (key) => {
    const bytes = await store.readBytes(key);
    // Removed since it was listed: it is no part of the record.
    return bytes === null ? [] : [[key, hashBytes(bytes).sha256] as const];
  });
  const sealed: SealedManifests = Object.fromEntries(hashes.flat());
  const manifest: Manifest = {
    kind: SEAL_KIND,
    files: { [SEAL_FILE]: await putJson(store, sealed) },
    lineage: { inputs: { campaign: input.sha256 }, codeVersion, settings: {} },
    summary: { manifests: Object.keys(sealed).length },
  };
  const sha256 = manifestSha256(manifest);
  const key = manifestKeys.digest(campaignId, sha256);
  await store.publish(key, manifest);
  return { key, sha256 };
}
