import type { Manifest } from '../../contracts/artifacts';
import { type UnadaptedReason } from '../../contracts/campaign';
import { manifestKeys } from '../../record/keys';
import type { AdaptationScope } from '../activity-types';
import { readAll } from '../stored/bounded-reads';
import type { ManifestMemory } from '../stored/manifest-memory';
import type { Candidate } from './candidates';

export const ANSWERS_FILE = 'answers.json';

export interface EvaluationSummary {
  /** Mean over questions of what the grader gives. */
  readonly score: number;
  /** Rounded to 4 digits, a gain where the grader is `logprob`; absent on held-out contexts. */
  readonly reward?: number;
  /** Of the fine-tune; like `trainedTokens` 0 where the unadapted policy answered. */
  readonly steps: number;
  readonly trainedTokens: number;
  /** Why the unadapted policy answered; on held-out contexts only. @default the adapter did */
  readonly unadapted?: UnadaptedReason;
}

export function evaluationKeyOf(scope: AdaptationScope, { contextId, candidate }: Pick<Candidate, 'contextId' | 'candidate'>, repeat: number): string {
  return manifestKeys.evaluation(scope.campaign.campaignId, scope.scope, contextId, candidate, repeat);
}

export async function findEvaluations(
  manifests: ManifestMemory,
  scope: AdaptationScope,
  repeat: number,
  members: readonly Candidate[],
): Promise<Map<number, Manifest>> {
  const found = await readAll(members, async (member): Promise<[number, Manifest][]> => {
    const manifest = await manifests.find(scope.campaign, evaluationKeyOf(scope, member, repeat));
    return manifest === null ? [] : [[member.position, manifest]];
  });
  return new Map(found.flat());
}

export function evaluationSummary(manifest: Manifest): EvaluationSummary {
  return manifest.summary as unknown as EvaluationSummary;
}
