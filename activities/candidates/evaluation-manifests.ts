import { readAll } from '../../record/bounded-reads';
import type { Recorded } from '../../record/document-type';
import { evaluationDocument, type EvaluationSummary } from '../../record/documents/candidates';
import { manifestKeys } from '../../record/keys';
import type { ManifestCache } from '../../record/manifest-cache';
import type { AdaptationScope } from '../activity-types';
import type { Candidate } from './candidates';

/** An evaluation as the record has it. */
export type RecordedEvaluation = Recorded<EvaluationSummary>;

export function evaluationKeyOf(scope: AdaptationScope, { contextId, candidate }: Pick<Candidate, 'contextId' | 'candidate'>, repeat: number): string {
  return manifestKeys.evaluation(scope.campaign.campaignId, scope.scope, contextId, candidate, repeat);
}

export async function findEvaluations(
  manifests: ManifestCache,
  scope: AdaptationScope,
  repeat: number,
  members: readonly Candidate[],
): Promise<Map<number, RecordedEvaluation>> {
  const found = await readAll(members, async (member): Promise<[number, RecordedEvaluation][]> => {
    const evaluation = await evaluationDocument.find(manifests.of(scope.campaign), evaluationKeyOf(scope, member, repeat));
    return evaluation === null ? [] : [[member.position, evaluation]];
  });
  return new Map(found.flat());
}
