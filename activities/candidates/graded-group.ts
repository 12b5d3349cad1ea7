import type { ArtifactRef } from '../../campaign/artifacts';
import { ArtifactMissingError } from '../../campaign/errors';
import { manifestSha256 } from '../../record/document-type';
import { type Answer, evaluationDocument, type EvaluationSummary, groupAnswersFile, type RecordedAdapter, weightsSha256 } from '../../record/documents/candidates';
import { chunkOf, placeOf } from '../../seal/algorithm/plan';
import { logprobGain } from '../../seal/graders/logprob';
import { repeatReward } from '../../seal/algorithm/rewards';
import { mean } from '../../seal/statistics/statistics';
import type { GroupTask, SealActivities } from '../activity-types';
import { gradeReplies, gradingSettings } from '../answers/grade-replies';
import type { RawAnswers } from '../answers/raw-answers';
import { findUnadapted } from '../evaluate-base';
import { memoryLineage } from '../execution/less-memory';
import type { Services } from '../services';
import { adapterKeyOf, findAdapters } from './adapter-manifests';
import { acceptedMembers, resolveGroup, type ResolvedGroup } from './candidate-groups';
import { completeCandidate } from './candidate-record';
import type { Candidate } from './candidates';
import { evaluationKeyOf, findEvaluations, type RecordedEvaluation } from './evaluation-manifests';

/** A group of which some are asked questions. */
export interface ExaminedGroup {
  readonly group: ResolvedGroup;
  readonly adapters: ReadonlyMap<number, RecordedAdapter>;
  /** Who is asked, in order: those with an adapter, then those without. */
  readonly members: readonly Candidate[];
  /** Null while not all of them have their evaluation. */
  readonly evaluations: ReadonlyMap<number, RecordedEvaluation> | null;
}

/** @throws ArtifactMissingError where a member was never fine-tuned */
export async function examinedGroup(services: Services, task: GroupTask): Promise<ExaminedGroup> {
  const group = await resolveGroup(services, task);
  const accepted = acceptedMembers(group);
  const adapters = await findAdapters(services.manifests, group, accepted);
  const missing = accepted.find(({ position }) => !adapters.has(position));
  if (missing !== undefined) throw new ArtifactMissingError(`${adapterKeyOf(group, missing)}: nothing was fine-tuned`);
  const members = examinable(group, adapters);
  const known = await findEvaluations(services.manifests, group.scope, group.repeat, members);
  return { group, adapters, members, evaluations: known.size === members.length ? known : null };
}

/** Whether a member has an adapter to answer with; else the policy answers for it. */
export function isAdapted({ adapters }: Pick<ExaminedGroup, 'adapters'>, { position }: Candidate): boolean {
  return adapters.get(position)?.summary.status === 'trained';
}

/** Who is asked: those with an adapter and, on held-out contexts, those without one too. */
function examinable({ scope, members }: ResolvedGroup, adapters: ReadonlyMap<number, RecordedAdapter>): readonly Candidate[] {
  const adapted = members.filter((member) => isAdapted({ adapters }, member));
  return scope.split === 'heldOut' ? [...adapted, ...members.filter((member) => !isAdapted({ adapters }, member))] : adapted;
}

/**
 * Grades what a group answered and publishes its evaluations.
 * @throws as `gradeReplies`
 */
export async function gradeGroup(services: Services, { group, adapters, members }: ExaminedGroup, raw: RawAnswers, signal: AbortSignal): Promise<ReadonlyMap<number, RecordedEvaluation>> {
  const answers = await gradeReplies(services, group.data.input, raw.replies, signal);
  const answersRef = await groupAnswersFile.put(services.store, members.map(({ contextId, candidate }, i) => ({ contextId, candidate, answers: answers[i]! })));
  const published = members.map(async (member, i): Promise<[number, RecordedEvaluation]> => [
    member.position,
    await commit(services, group, member, { answers: answers[i]!, answersRef, raw }, adapters.get(member.position)),
  ]);
  return new Map(await Promise.all(published));
}

/** The last repeat completes the candidates' records. */
export async function evaluatedMembers(
  services: Services,
  { repeat, repeats }: GroupTask,
  { group, members }: ExaminedGroup,
  evaluations: ReadonlyMap<number, RecordedEvaluation>,
): ReturnType<SealActivities['evaluateAdapters']> {
  if (repeat === repeats && group.scope.split === 'train') {
    for (const member of members) await completeCandidate(services, group, member, repeats);
  }
  return { members: members.map(({ position }) => ({ position, reward: evaluations.get(position)!.summary.reward ?? null })) };
}

async function commit(
  services: Services,
  group: ResolvedGroup,
  member: Candidate,
  { answers, answersRef, raw }: { readonly answers: readonly Answer[]; readonly answersRef: ArtifactRef; readonly raw: RawAnswers },
  adapter: RecordedAdapter | undefined,
): Promise<RecordedEvaluation> {
  const { input } = group.data;
  const scores = answers.map(({ score }) => score);
  const before = await unadaptedScores(services, group, member);
  const reward = group.scope.split === 'train' ? repeatReward(before === null ? scores : logprobGain(scores, before)) : undefined;
  const { inputs, ...training } = answeredBy(adapter);
  return evaluationDocument.publish(services.manifests.of(group.scope.campaign), evaluationKeyOf(group.scope, member, group.repeat), {
    files: { [groupAnswersFile.name]: answersRef },
    lineage: {
      inputs: { ...raw.inputs, ...inputs },
      codeVersion: input.codeVersion,
      settings: {
        ...gradingSettings(input),
        compute: raw.compute,
        ...memoryLineage(raw),
        group: group.members.map(({ contextId, candidate }) => `${contextId}/c${candidate}`),
      },
    },
    summary: { score: mean(scores), ...training, ...(reward === undefined ? {} : { reward }) },
  });
}

/** What an evaluation repeats of the training before it, and names as its input. */
function answeredBy(adapter: RecordedAdapter | undefined): Omit<EvaluationSummary, 'score' | 'reward'> & { readonly inputs: Readonly<Record<string, string>> } {
  if (adapter === undefined) return { steps: 0, trainedTokens: 0, unadapted: 'rejected', inputs: {} };
  if (adapter.summary.status === 'diverged') return { steps: 0, trainedTokens: 0, unadapted: 'diverged', inputs: { diverged: manifestSha256(adapter.manifest) } };
  const { steps, trainedTokens } = adapter.summary;
  return { steps, trainedTokens, inputs: { adapter: weightsSha256(adapter) } };
}

/** The unadapted policy's score of each question, where rewards are gains. */
async function unadaptedScores(services: Services, { scope }: ResolvedGroup, member: Candidate): Promise<readonly number[] | null> {
  if (scope.gainOver === undefined) return null;
  const { contextsPerChunk } = scope.gainOver;
  const chunk = chunkOf(placeOf(member.position, scope.perContext).context, contextsPerChunk);
  const answers = await findUnadapted(services, { campaign: scope.campaign, scope: scope.scope, chunk });
  const own = answers?.find(({ contextId }) => contextId === member.contextId);
  if (own === undefined) throw new RangeError(`${scope.scope}: no unadapted answers of context ${member.contextId}`);
  return own.answers.map(({ score }) => score);
}
