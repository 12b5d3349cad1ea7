import { readAll } from '../activities/stored/bounded-reads';
import type { CampaignInput } from '../contracts/campaign';
import { ArtifactCorruptError } from '../contracts/errors';
import type { ArtifactStore } from '../storage/artifact-store';

/** Prefix of artifacts; everything else in a store is a manifest. */
export const ARTIFACTS = 'sha256/';

/**
 * An artifact that is asked for again is written again once it is an hour old, and named by a manifest within the hour. So one that
 * no manifest names and that was not written for this long is in nobody's hands.
 */
export const IN_FLIGHT_MS = 2 * 3600 * 1000;

/**
 * Hashes that some manifest names.
 * @param isCounted which manifests, by key
 * @throws ArtifactCorruptError for one that cannot be read: nobody knows what it names
 */
export async function namedArtifacts(store: ArtifactStore, isCounted: (key: string) => boolean): Promise<Set<string>> {
  const keys = (await store.list('')).filter((key) => !key.startsWith(ARTIFACTS) && isCounted(key));
  const named = new Set<string>();
  await readAll(keys, async (key) => {
    const manifest = await store.findManifest(key).catch((error: unknown) => {
      if (!(error instanceof ArtifactCorruptError)) throw error;
      throw new ArtifactCorruptError(`${error.message}: as long as nobody knows what it names, nothing is removed (seal audit says more)`, { cause: error });
    });
    // Removed since it was listed.
    for (const { sha256 } of Object.values(manifest?.files ?? {})) named.add(sha256);
  });
  return named;
}

/** What a campaign that has just been started holds without a manifest. */
export function inputArtifacts({ train, heldOut, template }: Pick<CampaignInput, 'train' | 'heldOut' | 'template'>): string[] {
  return [train, heldOut, ...(template === undefined ? [] : [template])].map(({ sha256 }) => sha256);
}
