import type { CampaignInput } from '../campaign/campaign';
import { readAll } from '../record/bounded-reads';
import type { CampaignData } from '../record/documents/campaign';
import { methodDocument, runsFile } from '../record/documents/methods';
import type { CurrentVersions } from '../record/documents/operators';
import type { ContextScores } from '../record/documents/report';
import { manifestKeys } from '../record/keys';
import { stagesOf } from '../seal/algorithm/stages';
import { type MethodRuns, scoreByContext } from '../seal/report-data';
import type { ArtifactStore } from '../storage/artifact-store';

/** Finished methods in the order in which they were evaluated. */
export async function collectMethods(store: ArtifactStore, { campaignId, spec }: CampaignInput, versions: CurrentVersions): Promise<MethodRuns[]> {
  const names = stagesOf(spec).flatMap((stage) => (stage.kind === 'evaluate' ? [stage.method] : []));
  const found = await readAll(names, async (name) => {
    const method = await methodDocument.find(store, manifestKeys.method(campaignId, name, versions.ofMethod(name)));
    return method === null ? [] : [await runsFile.read(store, method)];
  });
  return found.flat();
}

/** Every held-out context's score under each method, in the campaign's order. */
export function contextScores({ contexts }: Pick<CampaignData, 'contexts'>, methods: readonly MethodRuns[]): ContextScores[] {
  const scores = methods.map((method) => ({ name: method.name, byContext: scoreByContext(method) }));
  return contexts.heldOut.flatMap(({ id, title }) => {
    const own = scores.flatMap(({ name, byContext }) => {
      const score = byContext.get(id);
      return score === undefined ? [] : [[name, score] as const];
    });
    return own.length === 0 ? [] : [{ contextId: id, title, scores: Object.fromEntries(own) }];
  });
}
