import { type CampaignInput } from '../../contracts/campaign';
import type { Context } from '../../contracts/campaign-spec';
import { methodDocument, runsFile } from '../../record/documents/methods';
import type { CurrentVersions } from '../../record/documents/operators';
import type { ContextScores } from '../../record/documents/report';
import { manifestKeys } from '../../record/keys';
import { type MethodRuns, scoreByContext } from '../../seal/report-data';
import type { ArtifactStore } from '../../storage/artifact-store';

/** Finished methods in the order of the report. */
export async function collectMethods(store: ArtifactStore, { campaignId, spec }: CampaignInput, versions: CurrentVersions): Promise<MethodRuns[]> {
  const seal = Array.from({ length: spec.epochs }, (_, i) => `seal-epoch-${i + 1}`);
  const names = ['base', 'passage-only', 'passage-only-step-matched', 'self-edits', ...seal, 'oracle', 'endpoint'];
  const found = await Promise.all(
    names.map(async (name) => {
      const method = await methodDocument.find(store, manifestKeys.method(campaignId, name, versions.ofMethod(name)));
      return method === null ? [] : [await runsFile.read(store, method)];
    }),
  );
  return found.flat();
}

/** Every held-out context's score under each method, in the campaign's order. */
export function contextScores(input: CampaignInput, heldOut: readonly Context[], methods: readonly MethodRuns[]): ContextScores[] {
  const scores = methods.map((method) => ({ name: method.name, byContext: scoreByContext(method) }));
  return input.heldOutContexts.flatMap(({ id, index }) => {
    const own = scores.flatMap(({ name, byContext }) => {
      const score = byContext.get(id);
      return score === undefined ? [] : [[name, score] as const];
    });
    return own.length === 0 ? [] : [{ contextId: id, title: heldOut[index]?.title ?? '', scores: Object.fromEntries(own) }];
  });
}
