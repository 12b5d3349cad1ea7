import { ArtifactMissingError } from '../../campaign/errors';
import { manifestSha256 } from '../../record/document-type';
import { adapterDocument, candidateDocument, type CandidateRecord, evaluationDocument, weightsSha256 } from '../../record/documents/candidates';
import { manifestKeys } from '../../record/keys';
import { candidateReward } from '../../seal/algorithm/rewards';
import type { AdaptationScope } from '../activity-types';
import { memoryLineage } from '../execution/less-memory';
import { memoryPartsOf } from '../../record/lineage';
import type { Services } from '../services';
import { adapterKeyOf } from './adapter-manifests';
import type { AcceptedCandidate, ResolvedGroup } from './candidate-groups';
import type { Candidate } from './candidates';
import { evaluationKeyOf } from './evaluation-manifests';

/** Publishes a candidate's record once all of its repeats are evaluated; one of which a repeat diverged has no reward and no record. */
export async function completeCandidate(services: Services, group: ResolvedGroup, member: Candidate, repeats: number): Promise<void> {
  if (!member.training.accepted) return;
  const { scope } = group;
  const key = manifestKeys.candidate(scope.campaign.campaignId, scope.scope, member.contextId, member.candidate);
  const accepted = member as AcceptedCandidate;
  const manifests = services.manifests.of(scope.campaign);
  const adapters = await Promise.all(Array.from({ length: repeats }, (_, i) => adapterDocument.read(manifests, adapterKeyOf({ ...group, repeat: i + 1 }, accepted))));
  if (adapters.some(({ summary }) => summary.status === 'diverged')) return;
  const each = await Promise.all(
    adapters.map(async (adapter, i) => {
      const evaluation = await evaluationDocument.read(manifests, evaluationKeyOf(scope, member, i + 1));
      const { reward } = evaluation.summary;
      if (reward === undefined) throw new ArtifactMissingError(`${evaluation.key} has no reward`);
      return { adapter, evaluation, reward };
    }),
  );
  // An evaluation repeats what its fine-tune cost.
  const { steps, trainedTokens } = each[0]!.evaluation.summary;
  const lineage: Record<string, string> = {};
  each.forEach(({ adapter, evaluation }, i) => {
    lineage[`adapter-r${i + 1}`] = manifestSha256(adapter.manifest);
    lineage[`evaluation-r${i + 1}`] = manifestSha256(evaluation.manifest);
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
      adapters: each.map(({ adapter }) => weightsSha256(adapter)),
      steps,
      trainedTokens,
      notes: accepted.training.notes,
      ...memoryLineage({ memoryParts: Math.max(...each.flatMap(({ adapter, evaluation }) => [adapter, evaluation]).map(({ manifest }) => memoryPartsOf(manifest.lineage.settings))) }),
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
): Promise<void> {
  const { input } = await services.campaigns.read(scope.campaign);
  await candidateDocument.publish(services.store, key, {
    files: {},
    lineage: {
      inputs: { ...inputs, ...(scope.rows.kind === 'proposals' ? { proposals: scope.rows.proposals.sha256 } : {}) },
      codeVersion: input.codeVersion,
      settings: { contextId: candidate.contextId, candidate: candidate.candidate },
    },
    summary: record,
  });
}
