import { manifestKeys } from '../../contracts/campaign';
import type { Work, WorkKind } from '../../contracts/work';
import type { AdaptationScope, AdapterTask, CandidateGroup } from '../activity-types';
import { memoryLineage } from '../execution/less-memory';
import type { Services } from '../services';
import { type CampaignData } from '../stored/campaign-data';
import { type Candidate, candidateAt } from './candidates';
import type { Proposal } from './proposals';

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

export async function resolveGroup(services: Services, task: AdapterTask): Promise<ResolvedGroup> {
  const { scope, group, repeat } = task;
  const data = await services.campaigns.read(scope.campaign);
  const proposals = await proposalsOf(services, scope);
  const members = positions(group).map((position) => candidateAt(scope, position, data, services.domain, proposals));
  const inputs: Record<string, string> = { contexts: data.input[scope.split].sha256 };
  if (scope.rows.kind === 'proposals') inputs['proposals'] = scope.rows.proposals.sha256;
  return { scope, repeat, data, members, inputs };
}

export async function resolveCandidate(services: Services, scope: AdaptationScope, position: number): Promise<Candidate> {
  const data = await services.campaigns.read(scope.campaign);
  return candidateAt(scope, position, data, services.domain, await proposalsOf(services, scope));
}

export function acceptedMembers(group: ResolvedGroup): AcceptedCandidate[] {
  return group.members.filter((member): member is AcceptedCandidate => member.training.accepted);
}

/** How a computation for a whole group is recorded. */
export function workOf(kind: WorkKind, { scope, group, repeat, memoryParts }: AdapterTask): Work {
  return { kind, scope: scope.scope, from: group.from, to: group.to, repeat, ...memoryLineage({ memoryParts }) };
}

/** Names a group's shared work within a process: members that ask for it in other parts do not share it. */
export function groupKey(kind: string, { scope, group, repeat, memoryParts = 1 }: AdapterTask): string {
  const { input, campaignId } = scope.campaign;
  return [kind, campaignId, input.sha256, scope.scope, group.from, group.to, repeat, memoryParts].join('\n');
}

/**
 * Runs a group's shared work in this process only, of all that members of the group may have come to.
 * @throws as `GroupClaims.alone`
 */
export function aloneOf<Result>(
  { claims }: Services,
  kind: keyof Services['claims'],
  { scope, group, repeat }: AdapterTask,
  signal: AbortSignal,
  compute: () => Promise<Result>,
): Promise<Result> {
  // The only member's activity runs in one place as it is.
  if (group.to - group.from === 1) return compute();
  return claims[kind].alone(`${manifestKeys.claims(scope.campaign.campaignId)}${scope.scope}/${kind}-${group.from}-${group.to}-r${repeat}/`, signal, compute);
}

function positions({ from, to }: CandidateGroup): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

function proposalsOf(services: Services, scope: AdaptationScope): Promise<readonly Proposal[]> {
  return scope.rows.kind === 'proposals' ? services.proposals.read(scope.rows.proposals) : Promise.resolve([]);
}
