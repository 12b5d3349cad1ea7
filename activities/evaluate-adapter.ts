/**
 * The inner loop's second half: closed-book questions to the adapted policy, and the reward.
 * Source: paper, "Knowledge Incorporation", evaluation; `seal/rewards.ts` for rounding and gains.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef, Manifest } from '../contracts/artifacts';
import { type Spent, spentTogether } from '../contracts/ledger';
import { logprobGain } from '../seal/graders/logprob';
import { repeatReward } from '../seal/rewards';
import { mean } from '../seal/statistics';
import { getDirectory } from '../storage/artifact-directory';
import type { AdapterTask, SealActivities } from './activity-types';
import { type Answer, examine, type GroupAnswers } from './answers/answers';
import { gradeReplies, gradingSettings } from './answers/grade-replies';
import { adapterSha256, adapterSummary, isDiverged, type KnownAdapter } from './candidates/adapter-manifests';
import { acceptedMembers, aloneOf, groupKey, resolveGroup, type ResolvedGroup, workOf } from './candidates/candidate-groups';
import { completeCandidate } from './candidates/candidate-record';
import type { Candidate } from './candidates/candidates';
import { ANSWERS_FILE, evaluationKeyOf, type EvaluationSummary, evaluationSummary, findEvaluations } from './candidates/evaluation-manifests';
import { findUnadapted } from './evaluate-base';
import { Bill, billed } from './execution/bill';
import { joinBilled } from './execution/billed-flights';
import { computedBy } from './execution/computed-by';
import type { CostlyProgress } from './execution/expenses';
import { type MemoryBound, memoryLineage } from './execution/less-memory';
import { type RecordedOptions, recordLost, runRecorded } from './execution/recorded-work';
import { asActivity } from './execution/running-activity';
import { ensureAdapters, LOSS_FILE, refuseDiverged } from './fine-tune-adapter';
import { computeLimits, type Services } from './services';
import { manifestSha256, putJson } from './stored/stored-json';

/**
 * Evaluates one candidate's adapter, with all of its group in one request as in `fineTuneAdapter`; the last repeat completes
 * the candidate's record.
 *
 * On held-out contexts a rejected self-edit teaches nothing and a diverged training leaves nothing, so the unadapted policy answers for
 * them: leaving them out would flatter the method.
 */
export function evaluateAdapter(services: Services): SealActivities['evaluateAdapter'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async ({ signal, onProgress, expenses }) => {
      const group = await resolveGroup(services, task);
      await recordLost(services, group.data.input, expenses);
      const asked = examinable(group).filter(({ position }) => task.position === undefined || position === task.position);
      const evaluated = await ensureEvaluations(services, task, group, asked, { signal, onProgress });
      expenses.add(evaluated.spent);
      const spent = expenses.total;
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
  /** What falls to those who asked of what was computed while they waited. */
  readonly spent: Partial<Spent>;
}

interface EvaluatedGroup {
  readonly evaluations: Evaluations['evaluations'];
  readonly bill: Bill;
}

async function ensureEvaluations(
  services: Services,
  task: AdapterTask,
  group: ResolvedGroup,
  asked: readonly Candidate[],
  options: { readonly signal: AbortSignal; readonly onProgress: (progress: CostlyProgress) => void },
): Promise<Evaluations> {
  const key = groupKey('evaluate', task);
  if (!services.flights.underWay(key)) {
    const known = await findEvaluations(services.manifests, group.scope, group.repeat, asked);
    if (known.size === asked.length) return { evaluations: known, spent: {} };
  }
  const [positions, all] = [asked, examinable(group)].map((members) => members.map(({ position }) => position)) as [number[], number[]];
  const { result, spent } = await joinBilled(services.flights, key, { ...options, positions, all }, (signal, report) =>
    aloneOf(services, 'evaluate', task, signal, () => evaluateGroup(services, task, group, signal, report)),
  );
  return { evaluations: result.evaluations, spent };
}

async function evaluateGroup(
  services: Services,
  task: AdapterTask,
  group: ResolvedGroup,
  signal: AbortSignal,
  onProgress: (progress: CostlyProgress) => void,
): Promise<EvaluatedGroup> {
  const positions = examinable(group).map(({ position }) => position);
  return billed(positions, async (spend) => {
    const trained = await ensureAdapters(services, task, group, acceptedMembers(group), { signal, onProgress });
    spend(trained.spent);
    const { evaluations, spent } = await examineGroup(services, task, group, trained.adapters, { signal, onProgress, spend });
    return { evaluations, bill: new Bill(positions, spentTogether(trained.spent, spent)) };
  });
}

async function examineGroup(
  services: Services,
  task: AdapterTask,
  group: ResolvedGroup,
  adapters: ReadonlyMap<number, KnownAdapter>,
  { signal, onProgress, spend }: { readonly signal: AbortSignal; readonly onProgress: (progress: CostlyProgress) => void; readonly spend: (spent: Partial<Spent>) => void },
): Promise<Evaluations> {
  const { input } = group.data;
  const isExamined = (adapter: KnownAdapter | undefined): boolean => group.scope.split === 'heldOut' || adapter === undefined || !isDiverged(adapter);
  const members = examinable(group).filter(({ position }) => isExamined(adapters.get(position)));
  const known = await findEvaluations(services.manifests, group.scope, group.repeat, members);
  if (known.size === members.length) {
    if (task.position !== undefined && !known.has(task.position)) refuseDiverged(adapters.get(task.position)!);
    return { evaluations: known, spent: {} };
  }
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
  // The unadapted ones sit apart, so that the stacked batch holds adapters only.
  const { result: examined, spent } = await runRecorded(services, input, {
    work: workOf('evaluate', task),
    signal,
    onProgress,
    compute: async (options) => {
      const held = [];
      for (const some of [adapted, unadapted]) if (some.length > 0) held.push({ some, ...(await sitting(some, options)) });
      return held;
    },
    costOf: (held) => ({ generatedTokens: held.reduce((sum, { generatedTokens }) => sum + generatedTokens, 0) }),
  });
  spend(spent);
  const sittings = [];
  for (const { replies, ...rest } of examined) sittings.push({ ...rest, answers: await gradeReplies(services, input, replies, signal) });
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
  // Local copies have served; the store has them should anyone ask again.
  await Promise.all([...directories.values()].map((directory) => rm(directory, { recursive: true, force: true })));
  return { evaluations, spent };
}

/** Who is asked: those with training rows and, on held-out contexts, those whose self-edit was rejected. */
function examinable(group: ResolvedGroup): readonly Candidate[] {
  return group.scope.split === 'heldOut' ? group.members : acceptedMembers(group);
}

async function adapterDirectories(services: Services, adapters: ReadonlyMap<number, KnownAdapter>): Promise<Map<number, string>> {
  const cache = join(services.cacheDirectory, 'adapters');
  const found = await Promise.all(
    [...adapters].map(async ([position, adapter]): Promise<[number, string][]> => {
      if (isDiverged(adapter)) return [];
      const { [LOSS_FILE]: _losses, ...files } = adapter.manifest.files;
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
