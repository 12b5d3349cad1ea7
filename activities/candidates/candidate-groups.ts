import type { Work, WorkKind } from '../../contracts/work';
import type { Proposal } from '../../record/documents/self-edits';
import { numbersIn } from '../../seal/algorithm/plan';
import type { AdaptationScope, GroupTask } from '../activity-types';
import { memoryLineage } from '../execution/less-memory';
import type { Services } from '../services';
import { type CampaignData } from '../stored/campaign-data';
import { type Candidate, candidateAt } from './candidates';

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
  const proposals = await proposalsOf(services, scope);
  const members = numbersIn(group).map((position) => candidateAt(scope, position, data, services.domain, proposals));
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
export function workOf(kind: WorkKind, { scope, group, repeat, memoryParts }: GroupTask): Work {
  return { kind, scope: scope.scope, from: group.from, to: group.to, repeat, ...memoryLineage({ memoryParts }) };
}

function proposalsOf(services: Services, scope: AdaptationScope): Promise<readonly Proposal[]> {
  return scope.rows.kind === 'proposals' ? services.proposals.read(scope.rows.proposals) : Promise.resolve([]);
}
