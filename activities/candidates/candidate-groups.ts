import type { Work, WorkKind } from '../../campaign/work';
import { manifestSha256 } from '../../record/document-type';
import { methodDocument } from '../../record/documents/methods';
import { manifestKeys } from '../../record/keys';
import { numbersIn } from '../../seal/algorithm/plan';
import { stepMatchedBudget } from '../../seal/algorithm/stages';
import type { AdaptationScope, GroupTask } from '../activity-types';
import { memoryLineage } from '../execution/less-memory';
import type { Services } from '../services';
import type { CampaignData } from '../../record/documents/campaign';
import { type Candidate, candidateAt, type ScopeRows } from './candidates';

type Accepted = Extract<Candidate['training'], { accepted: true }>;

/** A candidate that can be trained on. */
export type AcceptedCandidate = Candidate & { readonly training: Accepted };

/** Everything the members of a group share, as any attempt on any worker finds it. */
export interface ResolvedGroup {
  readonly scope: AdaptationScope;
  readonly repeat: number;
  readonly data: CampaignData;
  /** All members in order, rejected ones included. */
  readonly members: readonly Candidate[];
  /** For lineages: where the rows came from. */
  readonly inputs: Readonly<Record<string, string>>;
}

export async function resolveGroup(services: Services, task: GroupTask): Promise<ResolvedGroup> {
  const { scope, group, repeat } = task;
  const data = await services.campaigns.read(scope.campaign);
  const { rows, inputs } = await scopeRows(services, scope);
  const members = numbersIn(group).map((position) => candidateAt(scope, position, data, rows));
  return { scope, repeat, data, members, inputs: { contexts: data.input[scope.split].sha256, ...inputs } };
}

export async function resolveCandidate(services: Services, scope: AdaptationScope, position: number): Promise<Candidate> {
  const [data, { rows }] = await Promise.all([services.campaigns.read(scope.campaign), scopeRows(services, scope)]);
  return candidateAt(scope, position, data, rows);
}

/** Where the rows of a scope's candidates come from, and its hash for lineages. */
export async function scopeRows(services: Services, { campaign, rows }: AdaptationScope): Promise<{ readonly rows: ScopeRows; readonly inputs: Readonly<Record<string, string>> }> {
  if (rows.kind === 'proposals') return { rows: { proposals: await services.proposals.read(rows.proposals) }, inputs: { proposals: rows.proposals.sha256 } };
  if (rows.stepsOf === undefined) return { rows: { baseline: rows.name }, inputs: {} };
  const matched = await methodDocument.read(services.manifests.of(campaign), manifestKeys.method(campaign.campaignId, rows.stepsOf));
  return { rows: { baseline: rows.name, steps: stepMatchedBudget([matched.summary.meanSteps]) }, inputs: { matched: manifestSha256(matched.manifest) } };
}

export function acceptedMembers(group: ResolvedGroup): AcceptedCandidate[] {
  return group.members.filter((member): member is AcceptedCandidate => member.training.accepted);
}

/** How a computation for a whole group is recorded. */
export function workOf(kind: WorkKind, { scope, group, repeat, memoryParts }: GroupTask): Work {
  return { kind, scope: scope.scope, from: group.from, to: group.to, repeat, ...memoryLineage({ memoryParts }) };
}
