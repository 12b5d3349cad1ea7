import type { Manifest } from '../../contracts/artifacts';
import { manifestKeys } from '../../record/keys';
import { readAll } from '../stored/bounded-reads';
import type { ManifestMemory } from '../stored/manifest-memory';
import { fileOf } from '../stored/stored-json';
import type { AcceptedCandidate, ResolvedGroup } from './candidate-groups';

const ADAPTER_WEIGHTS = 'adapter_model.safetensors';

/** The inner loop's result for one candidate and repeat. A diverged training is a result too, and the same every time. */
export const ADAPTER_KIND = 'adapter';
export const DIVERGED_KIND = 'diverged';

export interface AdapterSummary {
  readonly steps: number;
  readonly finalLoss: number;
  readonly trainedTokens: number;
}

export interface KnownAdapter {
  readonly key: string;
  readonly manifest: Manifest;
}

/** Manifests of a group's accepted members, by position; members without one are absent. */
export async function findAdapters(
  manifests: ManifestMemory,
  group: ResolvedGroup,
  members: readonly AcceptedCandidate[],
): Promise<Map<number, KnownAdapter>> {
  const found = await readAll(members, async (member): Promise<[number, KnownAdapter][]> => {
    const key = adapterKeyOf(group, member);
    const manifest = await manifests.find(group.scope.campaign, key);
    return manifest === null ? [] : [[member.position, { key, manifest }]];
  });
  return new Map(found.flat());
}

export function adapterKeyOf({ scope, repeat }: ResolvedGroup, { contextId, candidate }: AcceptedCandidate): string {
  return manifestKeys.adapter(scope.campaign.campaignId, scope.scope, contextId, candidate, repeat);
}

/** sha256 of the adapter's weights. @throws ArtifactCorruptError when the manifest names none */
export function adapterSha256({ key, manifest }: KnownAdapter): string {
  return fileOf(key, manifest, ADAPTER_WEIGHTS).sha256;
}

export function isDiverged({ manifest }: KnownAdapter): boolean {
  return manifest.kind === DIVERGED_KIND;
}

export function adapterSummary({ manifest }: KnownAdapter): AdapterSummary {
  return manifest.summary as unknown as AdapterSummary;
}
