import type { Manifest } from '../../contracts/artifacts';
import { ArtifactMissingError } from '../../contracts/errors';
import { manifestKeys } from '../../record/keys';
import { candidateReward } from '../../seal/rewards';
import type { AdaptationScope } from '../activity-types';
import { memoryLineage, memoryPartsOf } from '../execution/less-memory';
import type { Services } from '../services';
import { manifestSha256 } from '../stored/stored-json';
import { adapterKeyOf, adapterSha256, adapterSummary, isDiverged, type KnownAdapter } from './adapter-manifests';
import type { AcceptedCandidate, ResolvedGroup } from './candidate-groups';
import type { Candidate } from './candidates';
import { evaluationKeyOf, evaluationSummary } from './evaluation-manifests';

/** What a candidate's manifest says in short. */
export type CandidateRecord =
  | { readonly status: 'rejected'; readonly reason: string }
  | {
      readonly status: 'scored';
      readonly reward: number;
      readonly repeatRewards: readonly number[];
      readonly adapters: readonly string[];
      readonly steps: number;
      readonly trainedTokens: number;
      readonly notes: readonly string[];
      /** Most parts in which it was computed, for want of memory. @default 1 */
      readonly memoryParts?: number;
    };

/** Publishes a candidate's record once all of its repeats are evaluated; one of which a repeat diverged has no reward and no record. */
export async function completeCandidate(services: Services, group: ResolvedGroup, member: Candidate, repeats: number): Promise<void> {
  if (!member.training.accepted) return;
  const { scope } = group;
  const key = manifestKeys.candidate(scope.campaign.campaignId, scope.scope, member.contextId, member.candidate);
  const accepted = member as AcceptedCandidate;
  const adapters = await Promise.all(
    Array.from({ length: repeats }, async (_, i): Promise<KnownAdapter> => {
      const adapterKey = adapterKeyOf({ ...group, repeat: i + 1 }, accepted);
      return { key: adapterKey, manifest: await services.manifests.read(scope.campaign, adapterKey) };
    }),
  );
  if (adapters.some(isDiverged)) return;
  const each = await Promise.all(
    adapters.map(async (adapter, i) => {
      const evaluationKey = evaluationKeyOf(scope, member, i + 1);
      const evaluation = await services.manifests.read(scope.campaign, evaluationKey);
      const { reward } = evaluationSummary(evaluation);
      if (reward === undefined) throw new ArtifactMissingError(`${evaluationKey} has no reward`);
      return { adapter, evaluation, reward };
    }),
  );
  const { steps, trainedTokens } = adapterSummary(each[0]!.adapter);
  const lineage: Record<string, string> = {};
  each.forEach(({ adapter, evaluation }, i) => {
    lineage[`adapter-r${i + 1}`] = manifestSha256(adapter.manifest);
    lineage[`evaluation-r${i + 1}`] = manifestSha256(evaluation);
  });
  const repeatRewards = each.map(({ reward }) => reward);
  await publishCandidate(
    services,
    key,
    scope,
    member,
    {
      status: 'scored',
      reward: candidateReward(repeatRewards),
      repeatRewards,
      adapters: each.map(({ adapter }) => adapterSha256(adapter)),
      steps,
      trainedTokens,
      notes: accepted.training.notes,
      ...memoryLineage({ memoryParts: Math.max(...each.flatMap(({ adapter, evaluation }) => [adapter.manifest, evaluation]).map(({ lineage: { settings } }) => memoryPartsOf(settings))) }),
    },
    lineage,
  );
}

export async function publishCandidate(
  services: Services,
  key: string,
  scope: AdaptationScope,
  candidate: Candidate,
  record: CandidateRecord,
  inputs: Readonly<Record<string, string>> = {},
): Promise<Manifest> {
  const { input } = await services.campaigns.read(scope.campaign);
  const { manifest } = await services.store.publish(key, {
    kind: 'candidate',
    files: {},
    lineage: {
      inputs: { ...inputs, ...(scope.rows.kind === 'proposals' ? { proposals: scope.rows.proposals.sha256 } : {}) },
      codeVersion: input.codeVersion,
      settings: { contextId: candidate.contextId, candidate: candidate.candidate },
    },
    summary: { ...record },
  });
  return manifest;
}
