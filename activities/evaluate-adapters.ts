/**
 * The inner loop's second half: closed-book questions to the adapted policy, and the reward.
 * Source: paper, "Knowledge Incorporation", evaluation; `seal/rewards.ts` for rounding and gains.
 */
import type { ArtifactRef, Manifest } from '../contracts/artifacts';
import { ArtifactMissingError } from '../contracts/errors';
import { logprobGain } from '../seal/graders/logprob';
import { repeatReward } from '../seal/rewards';
import { mean } from '../seal/statistics';
import type { DirectoryRefs } from '../storage/artifact-directory';
import type { Lease } from '../storage/directory-cache';
import type { GroupTask, SealActivities } from './activity-types';
import { type Answer, examine, type GroupAnswers } from './answers/answers';
import { gradeReplies, gradingSettings } from './answers/grade-replies';
import { adapterKeyOf, adapterSha256, adapterSummary, findAdapters, isDiverged, type KnownAdapter } from './candidates/adapter-manifests';
import { acceptedMembers, resolveGroup, type ResolvedGroup, workOf } from './candidates/candidate-groups';
import { completeCandidate } from './candidates/candidate-record';
import type { Candidate } from './candidates/candidates';
import { ANSWERS_FILE, evaluationKeyOf, type EvaluationSummary, evaluationSummary, findEvaluations } from './candidates/evaluation-manifests';
import { findUnadapted } from './evaluate-base';
import { computedBy } from './execution/computed-by';
import { type MemoryBound, memoryLineage } from './execution/less-memory';
import { type RecordedOptions, recordLost, runRecorded } from './execution/recorded-work';
import { asActivity, type RunningActivity } from './execution/running-activity';
import { LOSS_FILE } from './fine-tune-adapters';
import { computeLimits, type Services } from './services';
import { adapterEntry, leaseAdapter } from './stored/model-directories';
import { manifestSha256, putJson } from './stored/stored-json';

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
      // Local copies have served; the store has them should anyone ask again.
      for (const adapter of adapters.values()) if (!isDiverged(adapter)) await services.cache.evict(adapterEntry(adapterFiles(adapter)));
      if (task.repeat === task.repeats && group.scope.split === 'train') {
        for (const member of members) await completeCandidate(services, group, member, task.repeats);
      }
      return { members: members.map(({ position }) => ({ position, reward: evaluationSummary(evaluations.get(position)!).reward ?? null })) };
    });
}

async function examineGroup(
  services: Services,
  task: GroupTask,
  group: ResolvedGroup,
  { adapters, members }: { readonly adapters: ReadonlyMap<number, KnownAdapter>; readonly members: readonly Candidate[] },
  running: RunningActivity,
): Promise<ReadonlyMap<number, Manifest>> {
  const { input } = group.data;
  await using policy = await services.models.policy(input.model, group.scope.policyAdapters, computeLimits(input));
  await using directories = await AdapterDirectories.lease(services, adapters);
  const adapted = members.filter(({ position }) => directories.get(position) !== undefined);
  const unadapted = members.filter(({ position }) => directories.get(position) === undefined);
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
  const file: GroupAnswers = sittings.flatMap(({ some, answers }) =>
    some.map(({ contextId, candidate }, i) => ({ contextId, candidate, answers: answers[i]! })),
  );
  const answersRef = await putJson(services.store, file);
  const evaluations = new Map<number, Manifest>();
  const commits = sittings.flatMap(({ some, answers }) =>
    some.map(async (member, i) => {
      const { position } = member;
      evaluations.set(position, await commit(services, group, member, { answers: answers[i]!, answersRef, ...memoryLineage(task) }, adapters.get(position), policy.inputs));
    }),
  );
  await Promise.all(commits);
  return evaluations;
}

/** Who is asked: those with an adapter and, on held-out contexts, those without one too. */
function examinable({ scope, members }: ResolvedGroup, adapters: ReadonlyMap<number, KnownAdapter>): readonly Candidate[] {
  if (scope.split === 'heldOut') return members;
  return members.filter(({ position }) => {
    const adapter = adapters.get(position);
    return adapter !== undefined && !isDiverged(adapter);
  });
}

/** Directories of those that have one, by position, until it is disposed of. */
class AdapterDirectories implements AsyncDisposable {
  readonly #leases = new Map<number, Lease<string>>();

  static async lease({ cache, store }: Services, adapters: ReadonlyMap<number, KnownAdapter>): Promise<AdapterDirectories> {
    const made = new AdapterDirectories();
    const trained = [...adapters].filter(([, adapter]) => !isDiverged(adapter));
    const leased = await Promise.allSettled(trained.map(async ([position, adapter]) => made.#leases.set(position, await leaseAdapter(cache, store, adapterFiles(adapter)))));
    const failed = leased.find((outcome) => outcome.status === 'rejected');
    if (failed === undefined) return made;
    await made[Symbol.asyncDispose]();
    throw failed.reason;
  }

  get(position: number): string | undefined {
    return this.#leases.get(position)?.directory;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const lease of this.#leases.values()) await lease[Symbol.asyncDispose]();
  }
}

function adapterFiles({ manifest }: KnownAdapter): DirectoryRefs {
  const { [LOSS_FILE]: _losses, ...files } = manifest.files;
  return files;
}

async function commit(
  services: Services,
  group: ResolvedGroup,
  member: Candidate,
  { answers, answersRef, memoryParts }: { readonly answers: readonly Answer[]; readonly answersRef: ArtifactRef } & MemoryBound,
  adapter: KnownAdapter | undefined,
  policyInputs: Readonly<Record<string, string>>,
): Promise<Manifest> {
  const { input } = group.data;
  const scores = answers.map(({ score }) => score);
  const before = await unadaptedScores(services, group, member);
  const reward = group.scope.split === 'train' ? repeatReward(before === null ? scores : logprobGain(scores, before)) : undefined;
  const { inputs, ...training } = answeredBy(adapter);
  return services.manifests.publish(group.scope.campaign, evaluationKeyOf(group.scope, member, group.repeat), {
    kind: 'evaluation',
    files: { [ANSWERS_FILE]: answersRef },
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
function answeredBy(adapter: KnownAdapter | undefined): Omit<EvaluationSummary, 'score' | 'reward'> & { readonly inputs: Readonly<Record<string, string>> } {
  if (adapter === undefined) return { steps: 0, trainedTokens: 0, unadapted: 'rejected', inputs: {} };
  if (isDiverged(adapter)) return { steps: 0, trainedTokens: 0, unadapted: 'diverged', inputs: { diverged: manifestSha256(adapter.manifest) } };
  const { steps, trainedTokens } = adapterSummary(adapter);
  return { steps, trainedTokens, inputs: { adapter: adapterSha256(adapter) } };
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
