/**
 * The inner loop's second half: closed-book questions to the adapted policy, and the reward.
 * Source: paper, "Knowledge Incorporation", evaluation; `seal/rewards.ts` for rounding and gains.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../contracts/artifacts';
import { ArtifactMissingError } from '../contracts/errors';
import { manifestSha256 } from '../record/document-type';
import { type Answer, evaluationDocument, type EvaluationSummary, groupAnswersFile, groupLossesFile, type RecordedAdapter, weightsSha256 } from '../record/documents/candidates';
import { logprobGain } from '../seal/graders/logprob';
import { repeatReward } from '../seal/rewards';
import { mean } from '../seal/statistics';
import { getDirectory } from '../storage/artifact-directory';
import type { GroupTask, SealActivities } from './activity-types';
import { examine } from './answers/answers';
import { gradeReplies, gradingSettings } from './answers/grade-replies';
import { adapterKeyOf, findAdapters } from './candidates/adapter-manifests';
import { acceptedMembers, resolveGroup, type ResolvedGroup, workOf } from './candidates/candidate-groups';
import { completeCandidate } from './candidates/candidate-record';
import type { Candidate } from './candidates/candidates';
import { evaluationKeyOf, findEvaluations, type RecordedEvaluation } from './candidates/evaluation-manifests';
import { findUnadapted } from './evaluate-base';
import { computedBy } from './execution/computed-by';
import { type MemoryBound, memoryLineage } from './execution/less-memory';
import { type RecordedOptions, recordLost, runRecorded } from './execution/recorded-work';
import { asActivity, type RunningActivity } from './execution/running-activity';
import { computeLimits, type Services } from './services';

/**
 * Evaluates a group's adapters in one request; the last repeat completes the candidates' records.
 *
 * On held-out contexts a rejected self-edit teaches nothing and a diverged training leaves nothing, so the unadapted policy answers for
 * them: leaving them out would flatter the method.
 *
 * @throws ArtifactMissingError where a member was never fine-tuned
 */
export function evaluateAdapters(services: Services): SealActivities['evaluateAdapters'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async (running) => {
      const group = await resolveGroup(services, task);
      await recordLost(services, group.data.input, running);
      const accepted = acceptedMembers(group);
      const adapters = await findAdapters(services.manifests, group, accepted);
      const missing = accepted.find(({ position }) => !adapters.has(position));
      if (missing !== undefined) throw new ArtifactMissingError(`${adapterKeyOf(group, missing)}: nothing was fine-tuned`);
      const members = examinable(group, adapters);
      const known = await findEvaluations(services.manifests, group.scope, group.repeat, members);
      const evaluations = known.size === members.length ? known : await examineGroup(services, task, group, { adapters, members }, running);
      if (task.repeat === task.repeats && group.scope.split === 'train') {
        for (const member of members) await completeCandidate(services, group, member, task.repeats);
      }
      return { members: members.map(({ position }) => ({ position, reward: evaluations.get(position)!.summary.reward ?? null })) };
    });
}

async function examineGroup(
  services: Services,
  task: GroupTask,
  group: ResolvedGroup,
  { adapters, members }: { readonly adapters: ReadonlyMap<number, RecordedAdapter>; readonly members: readonly Candidate[] },
  running: RunningActivity,
): Promise<ReadonlyMap<number, RecordedEvaluation>> {
  const { input } = group.data;
  const policy = await services.models.policy(input.model, group.scope.policyAdapters, computeLimits(input));
  const directories = await adapterDirectories(services, adapters);
  const adapted = members.filter(({ position }) => directories.has(position));
  const unadapted = members.filter(({ position }) => !directories.has(position));
  const sitting = (some: readonly Candidate[], options: RecordedOptions) =>
    examine(
      services.model,
      services.domain,
      input,
      { modelDirectory: policy.directory, ...memoryLineage(task) },
      some.map(({ position, context }) => ({ adapterDirectory: directories.get(position) ?? null, context })),
      options,
    );
  // The unadapted ones are asked apart, so that the stacked batch holds adapters only.
  const examined = await runRecorded(services, input, running, {
    work: workOf('evaluate', task),
    compute: async (options) => {
      const held = [];
      for (const some of [adapted, unadapted]) if (some.length > 0) held.push({ some, ...(await sitting(some, options)) });
      return held;
    },
    costOf: (held) => ({ generatedTokens: held.reduce((sum, { generatedTokens }) => sum + generatedTokens, 0) }),
  });
  const sittings = [];
  for (const { replies, ...rest } of examined) sittings.push({ ...rest, answers: await gradeReplies(services, input, replies, running.signal) });
  const file = sittings.flatMap(({ some, answers }) =>
    some.map(({ contextId, candidate }, i) => ({ contextId, candidate, answers: answers[i]! })),
  );
  const answersRef = await groupAnswersFile.put(services.store, file);
  const evaluations = new Map<number, RecordedEvaluation>();
  const commits = sittings.flatMap(({ some, answers }) =>
    some.map(async (member, i) => {
      const { position } = member;
      evaluations.set(position, await commit(services, group, member, { answers: answers[i]!, answersRef, ...memoryLineage(task) }, adapters.get(position), policy.inputs));
    }),
  );
  await Promise.all(commits);
  // Local copies have served; the store has them should anyone ask again.
  await Promise.all([...directories.values()].map((directory) => rm(directory, { recursive: true, force: true })));
  return evaluations;
}

/** Who is asked: those with an adapter and, on held-out contexts, those without one too. */
function examinable({ scope, members }: ResolvedGroup, adapters: ReadonlyMap<number, RecordedAdapter>): readonly Candidate[] {
  if (scope.split === 'heldOut') return members;
  return members.filter(({ position }) => {
    const adapter = adapters.get(position);
    return adapter !== undefined && adapter.summary.status !== 'diverged';
  });
}

async function adapterDirectories(services: Services, adapters: ReadonlyMap<number, RecordedAdapter>): Promise<Map<number, string>> {
  const cache = join(services.cacheDirectory, 'adapters');
  const found = await Promise.all(
    [...adapters].map(async ([position, adapter]): Promise<[number, string][]> => {
      if (adapter.summary.status === 'diverged') return [];
      const { [groupLossesFile.name]: _losses, ...files } = adapter.manifest.files;
      return [[position, await getDirectory(services.store, files, cache)]];
    }),
  );
  return new Map(found.flat());
}

async function commit(
  services: Services,
  group: ResolvedGroup,
  member: Candidate,
  { answers, answersRef, memoryParts }: { readonly answers: readonly Answer[]; readonly answersRef: ArtifactRef } & MemoryBound,
  adapter: RecordedAdapter | undefined,
  policyInputs: Readonly<Record<string, string>>,
): Promise<RecordedEvaluation> {
  const { input } = group.data;
  const scores = answers.map(({ score }) => score);
  const before = await unadaptedScores(services, group, member);
  const reward = group.scope.split === 'train' ? repeatReward(before === null ? scores : logprobGain(scores, before)) : undefined;
  const { inputs, ...training } = answeredBy(adapter);
  return evaluationDocument.publish(services.manifests.of(group.scope.campaign), evaluationKeyOf(group.scope, member, group.repeat), {
    files: { [groupAnswersFile.name]: answersRef },
    lineage: {
      inputs: { ...group.inputs, ...policyInputs, ...inputs },
      codeVersion: input.codeVersion,
      settings: {
        ...gradingSettings(input),
        compute: computedBy(services, input),
        ...memoryLineage({ memoryParts }),
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
  const place = Math.floor(member.position / scope.perContext);
  const chunk = Math.floor(place / contextsPerChunk) + 1;
  const { campaign, split, policyAdapters } = scope;
  const answers = await findUnadapted(services, { campaign, scope: scope.scope, split, policyAdapters, contextsPerChunk, chunk });
  const own = answers?.find(({ contextId }) => contextId === member.contextId);
  if (own === undefined) throw new RangeError(`${scope.scope}: no unadapted answers of context ${member.contextId}`);
  return own.answers.map(({ score }) => score);
}
