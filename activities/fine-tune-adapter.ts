/**
 * The inner loop's first half: LoRA fine-tuning of a policy on a self-edit.
 * Source: paper, "General Framework" (inner loop). Groups of candidates are trained stacked; a group is a part of the
 * configuration, so its bits do not depend on who asked first.
 */
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactRef } from '../contracts/artifacts';
import { NotFiniteError } from '../contracts/errors';
import type { FineTuneJob, FineTuneOutcome, StepLog } from '../contracts/language-model';
import type { Spent } from '../contracts/ledger';
import { directoryKey, putDirectory } from '../storage/artifact-directory';
import type { AdapterTask, SealActivities } from './activity-types';
import { adapterKeyOf, adapterSha256, ADAPTER_KIND, DIVERGED_KIND, findAdapters, isDiverged, type KnownAdapter } from './candidates/adapter-manifests';
import { type AcceptedCandidate, acceptedMembers, aloneOf, groupKey, resolveGroup, type ResolvedGroup, workOf } from './candidates/candidate-groups';
import { fineTuneSeed, loraOf } from './candidates/candidates';
import { Bill, billed } from './execution/bill';
import { joinBilled } from './execution/billed-flights';
import { computedBy } from './execution/computed-by';
import type { CostlyProgress } from './execution/expenses';
import { memoryLineage } from './execution/less-memory';
import { recordLost, runRecorded } from './execution/recorded-work';
import { asActivity } from './execution/running-activity';
import { computeLimits, type Services, withScratch } from './services';
import type { PolicyDirectory } from './stored/model-directories';
import { putJson } from './stored/stored-json';
import { tokensOf } from './training/resumable-training';
import { TrainingInParts } from './training/training-in-parts';

export const LOSS_FILE = 'losses.json';

/** Content of LOSS_FILE: the loss of every step of every member of the group. */
export type GroupLossLogs = readonly {
  readonly contextId: string;
  readonly candidate: number;
  readonly log: readonly StepLog[];
}[];

/**
 * The adapter of one candidate and repeat. The first member of a group to ask has the whole group computed and every member's
 * adapter published; the others wait for that or find theirs. A missing one has the whole group computed again, in the same
 * batch and therefore to the same bits.
 *
 * @throws NotFiniteError (not retryable) when this candidate's training diverged; the rest of its group is unharmed
 */
export function fineTuneAdapter(services: Services): SealActivities['fineTuneAdapter'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async ({ signal, onProgress, expenses, stepsBefore }) => {
      const group = await resolveGroup(services, task);
      await recordLost(services, group.data.input, expenses);
      const asked = acceptedMembers(group).filter(({ position }) => task.position === undefined || position === task.position);
      const trained = await ensureAdapters(services, task, group, asked, { signal, onProgress, stepsBefore });
      expenses.add(trained.spent);
      const spent = expenses.total;
      if (task.position === undefined) return { adapter: null, spent };
      const own = trained.adapters.get(task.position);
      if (own === undefined) throw new RangeError(`position ${task.position} of ${task.scope.scope} is rejected: there is nothing to train`);
      refuseDiverged(own);
      return { adapter: adapterSha256(own), spent };
    });
}

export interface TrainedAdapters {
  /** At least the members asked for, by position. */
  readonly adapters: ReadonlyMap<number, KnownAdapter>;
  /** What falls to those who asked of what was computed while they waited. */
  readonly spent: Partial<Spent>;
}

interface TrainedGroup {
  readonly adapters: TrainedAdapters['adapters'];
  readonly bill: Bill;
}

interface TrainingOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: CostlyProgress) => void;
  /** Steps of the group that an attempt before this one is known to have taken. @default 0 */
  readonly stepsBefore?: number;
}

/** The adapters of `asked`, computing the whole group where one is missing. */
export async function ensureAdapters(
  services: Services,
  task: AdapterTask,
  group: ResolvedGroup,
  asked: readonly AcceptedCandidate[],
  options: TrainingOptions,
): Promise<TrainedAdapters> {
  const key = groupKey('fine-tune', task);
  if (!services.flights.underWay(key)) {
    const known = await findAdapters(services.manifests, group, asked);
    if (known.size === asked.length) return { adapters: known, spent: {} };
  }
  const positions = asked.map(({ position }) => position);
  const { result, spent } = await joinBilled(services.flights, key, { ...options, positions, all: acceptedMembers(group).map(({ position }) => position) }, (signal, report) =>
    aloneOf(services, 'fine-tune', task, signal, () => trainGroup(services, task, group, { ...options, signal, onProgress: report })),
  );
  return { adapters: result.adapters, spent };
}

async function trainGroup(
  services: Services,
  task: AdapterTask,
  group: ResolvedGroup,
  { signal, onProgress, stepsBefore = 0 }: TrainingOptions,
): Promise<TrainedGroup> {
  const { input } = group.data;
  const members = acceptedMembers(group);
  // A flight may begin just after another one ended: then all is there.
  const known = await findAdapters(services.manifests, group, members);
  const positions = members.map(({ position }) => position);
  if (known.size === members.length) return { adapters: known, bill: new Bill(positions, {}) };
  const policy = await services.models.policy(input.model, group.scope.policyAdapters, computeLimits(input));
  return withScratch(services, async (scratch) => {
    const jobs: FineTuneJob[] = members.map((member) => ({
      rows: member.training.rows,
      optimiser: member.training.optimiser,
      seed: fineTuneSeed(group.scope, member, group.repeat, input.spec.seed),
      outDirectory: join(scratch, String(member.position)),
    }));
    const { gradientCheckpointing } = input.spec.innerLoop;
    const request = { modelDirectory: policy.directory, compute: input.spec.compute, lora: loraOf(input.spec.innerLoop), gradientCheckpointing, jobs };
    const work = workOf('fine-tune', task);
    const identity = { ...work, ...group.inputs, ...policy.inputs };
    const training = await TrainingInParts.prepare(services, { input, request, identity, scratch, stepsBefore, ...memoryLineage(task) });
    const { result, spent } = await runRecorded(services, input, { ...training.asWork(work), signal, onProgress, sharedBy: positions });
    return billed(positions, async (spend) => {
      spend(spent);
      const { outcomes } = result;
      const losses = await putJson(services.store, lossLogs(members, outcomes));
      const adapters = await Promise.all(
        members.map(async (member, i): Promise<[number, KnownAdapter]> => [
          member.position,
          await commit(services, group, member, { job: training.jobs[i]!, outcome: outcomes[i]!, losses, lineage: training.lineage }, policy),
        ]),
      );
      await training.discard();
      const tokens = new Map(members.map(({ position }, i) => [position, tokensOf(outcomes[i]!)]));
      const bill = new Bill(positions, { ...spent, trainedTokens: 0 }, (position) => ({ trainedTokens: tokens.get(position) ?? 0 }));
      return { adapters: new Map(adapters), bill };
    });
  });
}

/** One job of a group's training, ended. */
interface Trained {
  readonly job: FineTuneJob;
  readonly outcome: FineTuneOutcome;
  readonly losses: ArtifactRef;
  /** How the training was cut. */
  readonly lineage: TrainingInParts['lineage'];
}

/** Publishes a member's adapter, or the fact that its training diverged. */
async function commit(
  services: Services,
  group: ResolvedGroup,
  member: AcceptedCandidate,
  { job, outcome, losses, lineage: ofTraining }: Trained,
  policy: PolicyDirectory,
): Promise<KnownAdapter> {
  const { input } = group.data;
  const key = adapterKeyOf(group, member);
  const lineage = {
    inputs: { ...group.inputs, ...policy.inputs },
    seed: job.seed,
    codeVersion: input.codeVersion,
    settings: {
      lora: loraOf(input.spec.innerLoop),
      optimiser: job.optimiser,
      compute: computedBy(services, input),
      ...ofTraining,
      group: group.members.map(({ contextId, candidate }) => `${contextId}/c${candidate}`),
    },
  };
  if (outcome.status === 'failed') {
    const summary = { step: outcome.step, message: outcome.message };
    const files = { [LOSS_FILE]: losses };
    const manifest = await services.manifests.publish(group.scope.campaign, key, { kind: DIVERGED_KIND, files, lineage, summary });
    return { key, manifest };
  }
  const adapterFiles = await putDirectory(services.store, job.outDirectory);
  const manifest = await services.manifests.publish(group.scope.campaign, key, {
    kind: ADAPTER_KIND,
    files: { ...adapterFiles, [LOSS_FILE]: losses },
    lineage,
    summary: { steps: outcome.steps, finalLoss: outcome.finalLoss, trainedTokens: outcome.trainedTokens },
  });
  await keepAtHand(services, job.outDirectory, directoryKey(adapterFiles));
  return { key, manifest };
}

/** One document a group, which all of its manifests name: requests to the store cost more than its few lines. */
function lossLogs(members: readonly AcceptedCandidate[], outcomes: readonly FineTuneOutcome[]): GroupLossLogs {
  return members.map(({ contextId, candidate }, i) => {
    const outcome = outcomes[i]!;
    return { contextId, candidate, log: outcome.status === 'done' ? outcome.log : [] };
  });
}

/** The evaluation that follows reads the adapter from this machine instead of fetching it back. */
async function keepAtHand(services: Services, directory: string, key: string): Promise<void> {
  const adapters = join(services.cacheDirectory, 'adapters');
  await mkdir(adapters, { recursive: true });
  try {
    await rename(directory, join(adapters, key));
  } catch (error) {
    // The same adapter is there already.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
    await rm(directory, { recursive: true, force: true });
  }
}

export function refuseDiverged(adapter: KnownAdapter): void {
  const { key, manifest } = adapter;
  if (isDiverged(adapter)) throw new NotFiniteError(`${key}: ${String(manifest.summary?.['message'])}`);
}
