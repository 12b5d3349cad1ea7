/**
 * The inner loop's second half: closed-book questions to the adapted policy, and the reward.
 * Source: paper, "Knowledge Incorporation", evaluation; `seal/rewards.ts` for rounding and gains.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef, Manifest } from '../contracts/artifacts';
import type { ComputeProgress } from '../contracts/language-model';
import { logprobGain } from '../seal/graders/logprob';
import { repeatReward } from '../seal/rewards';
import { mean } from '../seal/statistics';
import { getDirectory } from '../storage/artifact-directory';
import { type AdapterTask, NOTHING_SPENT, type SealActivities, type Spent } from './activity-types';
import { adapterSha256, adapterSummary, DIVERGED_KIND, type KnownAdapter } from './adapter-manifests';
import { type Answer, examine, type GroupAnswers } from './answers';
import { acceptedMembers, aloneOf, groupKey, resolveGroup, type ResolvedGroup, workOf } from './candidate-groups';
import { completeCandidate } from './candidate-record';
import type { Candidate } from './candidates';
import { computedBy } from './computed-by';
import { findUnadapted } from './evaluate-base';
import { ANSWERS_FILE, evaluationKeyOf, evaluationSummary, findEvaluations } from './evaluation-manifests';
import { ensureAdapters, LOSS_FILE, refuseDiverged } from './fine-tune-adapter';
import { gradeReplies, gradingSettings } from './grade-replies';
import { type MemoryBound, memoryLineage } from './less-memory';
import { runRecorded } from './recorded-work';
import { asActivity } from './running-activity';
import type { AdmittedOptions } from './compute-gate';
import { computeLimits, type Services } from './services';
import { putJson } from './stored-json';

/**
 * Evaluates one candidate's adapter, with all of its group in one request as in `fineTuneAdapter`; the last repeat completes
 * the candidate's record.
 *
 * On held-out contexts a rejected self-edit teaches nothing, so the unadapted policy answers for it: leaving it out would
 * flatter the method.
 */
export function evaluateAdapter(services: Services): SealActivities['evaluateAdapter'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async ({ signal, onProgress, retries }) => {
      const group = await resolveGroup(services, task);
      const asked = examinable(group).filter(({ position }) => task.position === undefined || position === task.position);
      const evaluated = await ensureEvaluations(services, task, group, asked, { signal, onProgress });
      const spent = spentOnEvaluation(asked, evaluated, retries);
      if (task.position === undefined) return { reward: null, spent };
      const [own] = asked;
      const manifest = own === undefined ? undefined : evaluated.evaluations.get(own.position);
      if (own === undefined || manifest === undefined) {
        throw new RangeError(`position ${task.position} of ${task.scope.scope} has no adapter to evaluate`);
      }
      if (task.repeat === task.repeats) await completeCandidate(services, group, own, task.repeats);
      return { reward: evaluationSummary(manifest).reward ?? null, spent };
    });
}

interface Evaluations {
  readonly evaluations: ReadonlyMap<number, Manifest>;
  /** Shares of what was computed while waiting, by position. */
  readonly costs: ReadonlyMap<number, Pick<Spent, 'trainSeconds' | 'evaluateSeconds' | 'generatedTokens'>>;
}

async function ensureEvaluations(
  services: Services,
  task: AdapterTask,
  group: ResolvedGroup,
  asked: readonly Candidate[],
  options: { readonly signal: AbortSignal; readonly onProgress: (progress: ComputeProgress) => void },
): Promise<Evaluations> {
  const key = groupKey('evaluate', task);
  if (!services.flights.underWay(key)) {
    const known = await findEvaluations(services.manifests, group.scope, group.repeat, asked);
    if (known.size === asked.length) return { evaluations: known, costs: new Map() };
  }
  return services.flights.join(key, options, (signal, report: (progress: ComputeProgress) => void) =>
    aloneOf(services, 'evaluate', task, signal, () => evaluateGroup(services, task, group, signal, report)),
  );
}

async function evaluateGroup(
  services: Services,
  task: AdapterTask,
  group: ResolvedGroup,
  signal: AbortSignal,
  onProgress: (progress: ComputeProgress) => void,
): Promise<Evaluations> {
  const { input } = group.data;
  const trained = await ensureAdapters(services, task, group, acceptedMembers(group), { signal, onProgress });
  const members = examinable(group).filter(({ position }) => trained.adapters.get(position)?.manifest.kind !== DIVERGED_KIND);
  const known = await findEvaluations(services.manifests, group.scope, group.repeat, members);
  if (known.size === members.length) {
    if (task.position !== undefined && !known.has(task.position)) refuseDiverged(trained.adapters.get(task.position)!);
    return { evaluations: known, costs: new Map() };
  }
  const policy = await services.models.policy(input.model, group.scope.policyAdapters, computeLimits(input));
  const directories = await adapterDirectories(services, trained.adapters);
  const adapted = members.filter(({ position }) => directories.has(position));
  const unadapted = members.filter(({ position }) => !directories.has(position));
  const sitting = (some: readonly Candidate[], inner: AdmittedOptions) =>
    examine(
      services.model,
      services.domain,
      input,
      { modelDirectory: policy.directory, ...memoryLineage(task) },
      some.map(({ position, context }) => ({ adapterDirectory: directories.get(position) ?? null, context })),
      { ...inner, onProgress },
    );
  // The unadapted ones sit apart, so that the stacked batch holds adapters only.
  const examined = await runRecorded(services, input, workOf('evaluate', task), signal, async (inner) => {
    const sittings = [];
    for (const some of [adapted, unadapted]) if (some.length > 0) sittings.push({ some, ...(await sitting(some, inner)) });
    return sittings;
  });
  const sittings = [];
  for (const { replies, ...rest } of examined) sittings.push({ ...rest, answers: await gradeReplies(services, input, replies, signal) });
  const file: GroupAnswers = sittings.flatMap(({ some, answers }) =>
    some.map(({ contextId, candidate }, i) => ({ contextId, candidate, answers: answers[i]! })),
  );
  const answersRef = await putJson(services.store, file);
  const evaluations = new Map<number, Manifest>();
  const costs = new Map<number, Pick<Spent, 'trainSeconds' | 'evaluateSeconds' | 'generatedTokens'>>();
  const commits = sittings.flatMap(({ some, answers, seconds, generatedTokens }) =>
    some.map(async (member, i) => {
      const { position } = member;
      evaluations.set(position, await commit(services, group, member, { answers: answers[i]!, answersRef, ...memoryLineage(task) }, trained.adapters.get(position), policy.inputs));
      costs.set(position, {
        trainSeconds: trained.costs.get(position)?.trainSeconds ?? 0,
        evaluateSeconds: seconds / some.length,
        generatedTokens: generatedTokens / some.length,
      });
    }),
  );
  await Promise.all(commits);
  // Local copies have served; the store has them should anyone ask again.
  await Promise.all([...directories.values()].map((directory) => rm(directory, { recursive: true, force: true })));
  return { evaluations, costs };
}

/** Who is asked: those with training rows and, on held-out contexts, those whose self-edit was rejected. */
function examinable(group: ResolvedGroup): readonly Candidate[] {
  return group.scope.split === 'heldOut' ? group.members : acceptedMembers(group);
}

async function adapterDirectories(services: Services, adapters: ReadonlyMap<number, KnownAdapter>): Promise<Map<number, string>> {
  const cache = join(services.cacheDirectory, 'adapters');
  const found = await Promise.all(
    [...adapters].map(async ([position, { manifest }]): Promise<[number, string][]> => {
      if (manifest.kind === DIVERGED_KIND) return [];
      const { [LOSS_FILE]: _losses, ...files } = manifest.files;
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
  adapter: KnownAdapter | undefined,
  policyInputs: Readonly<Record<string, string>>,
): Promise<Manifest> {
  const { input } = group.data;
  const scores = answers.map(({ score }) => score);
  const before = await unadaptedScores(services, group, member);
  const reward = group.scope.split === 'train' ? repeatReward(before === null ? scores : logprobGain(scores, before)) : undefined;
  const { steps, trainedTokens } = adapter === undefined ? { steps: 0, trainedTokens: 0 } : adapterSummary(adapter);
  return services.manifests.publish(group.scope.campaign, evaluationKeyOf(group.scope, member, group.repeat), {
    kind: 'evaluation',
    files: { [ANSWERS_FILE]: answersRef },
    lineage: {
      inputs: { ...group.inputs, ...policyInputs, ...(adapter === undefined ? {} : { adapter: adapterSha256(adapter) }) },
      codeVersion: input.codeVersion,
      settings: {
        ...gradingSettings(input),
        compute: computedBy(services, input),
        ...memoryLineage({ memoryParts }),
        group: group.members.map(({ contextId, candidate }) => `${contextId}/c${candidate}`),
      },
    },
    summary: { score: mean(scores), steps, trainedTokens, ...(reward === undefined ? {} : { reward }) },
  });
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

function spentOnEvaluation(asked: readonly Candidate[], { costs }: Evaluations, retries: number): Spent {
  let spent: Spent = { ...NOTHING_SPENT, retries };
  for (const { position } of asked) {
    const cost = costs.get(position);
    if (cost === undefined) continue;
    spent = {
      ...spent,
      trainSeconds: spent.trainSeconds + cost.trainSeconds,
      evaluateSeconds: spent.evaluateSeconds + cost.evaluateSeconds,
      generatedTokens: spent.generatedTokens + cost.generatedTokens,
    };
  }
  return spent;
}
