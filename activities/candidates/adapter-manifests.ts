import { readAll } from '../../record/bounded-reads';
import { adapterDocument, type RecordedAdapter } from '../../record/documents/candidates';
import { manifestKeys } from '../../record/keys';
import type { ManifestCache } from '../../record/manifest-cache';
import type { AcceptedCandidate, ResolvedGroup } from './candidate-groups';

/** Manifests of a group's accepted members, by position; members without one are absent. */
export async function findAdapters(
  manifests: ManifestCache,
  group: ResolvedGroup,
  members: readonly AcceptedCandidate[],
): Promise<Map<number, RecordedAdapter>> {
  const found = await readAll(members, async (member): Promise<[number, RecordedAdapter][]> => {
    const adapter = await adapterDocument.find(manifests.of(group.scope.campaign), adapterKeyOf(group, member));
    return adapter === null ? [] : [[member.position, adapter]];
  });
  return new Map(found.flat());
}

export function adapterKeyOf({ scope, repeat }: ResolvedGroup, { contextId, candidate }: AcceptedCandidate): string {
  return manifestKeys.adapter(scope.campaign.campaignId, scope.scope, contextId, candidate, repeat);
}
