/**
 * The inner loop's first half: LoRA fine-tuning of a policy on a self-edit.
 * Source: paper, "General Framework" (inner loop). Groups of candidates are trained stacked; a group is a part of the
 * configuration, so its bits do not depend on timing.
 */
import { join } from 'node:path';
import type { ArtifactRef } from '../campaign/artifacts';
import type { FineTuneJob, FineTuneOutcome } from '../campaign/language-model';
import { adapterDocument, groupLossesFile, type RecordedAdapter, weightsSha256 } from '../record/documents/candidates';
import { putDirectory } from '../storage/artifact-directory';
import type { GroupTask, SealActivities } from './activity-types';
import { adapterKeyOf, findAdapters } from './candidates/adapter-manifests';
import { type AcceptedCandidate, acceptedMembers, resolveGroup, type ResolvedGroup, workOf } from './candidates/candidate-groups';
import { fineTuneSeed, loraOf } from './candidates/candidates';
import { computedBy } from './execution/computed-by';
import { memoryLineage } from './execution/less-memory';
import { recordLost, runRecorded } from './execution/recorded-work';
import { asActivity, type RunningActivity } from './execution/running-activity';
import { computeLimits, type Services, scratchDirectory } from './services';
import { adapterEntry, type PolicyDirectory } from './stored/model-directories';
import { TrainingInParts } from './training/training-in-parts';

/**
 * The adapters of a group in one repeat. Nobody else asks for them, but for the attempt after a lost one: it finds what is
 * published already, or trains the whole group again, in the same batch and therefore to the same bits.
 */
export function fineTuneAdapters(services: Services): SealActivities['fineTuneAdapters'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async (running) => {
      const group = await resolveGroup(services, task);
      await recordLost(services, group.data.input, running);
      const members = acceptedMembers(group);
      const known = await findAdapters(services.manifests, group, members);
      const adapters = known.size === members.length ? known : await trainGroup(services, task, group, running);
      return { members: members.map(({ position }) => ({ position, ...fineTunedAs(adapters.get(position)!) })) };
    });
}

/** One member's divergence fails that member alone. */
function fineTunedAs(adapter: RecordedAdapter): { readonly adapter: string } | { readonly diverged: string } {
  const { key, summary } = adapter;
  return summary.status === 'trained' ? { adapter: weightsSha256(adapter) } : { diverged: `${key}: ${summary.message}` };
}

async function trainGroup(services: Services, task: GroupTask, group: ResolvedGroup, running: RunningActivity): Promise<ReadonlyMap<number, RecordedAdapter>> {
  const { input } = group.data;
  const members = acceptedMembers(group);
  await using policy = await services.models.policy(input.model, group.scope.policy, computeLimits(input));
  await using scratch = await scratchDirectory(services);
  const jobs: FineTuneJob[] = members.map((member) => ({
    rows: member.training.rows,
    optimiser: member.training.optimiser,
    seed: fineTuneSeed(group.scope, member, group.repeat, input.spec.seed),
    outDirectory: join(scratch.path, String(member.position)),
  }));
  const { gradientCheckpointing } = input.spec.innerLoop;
  const request = { modelDirectory: policy.directory, compute: input.spec.compute, lora: loraOf(input.spec.innerLoop), gradientCheckpointing, jobs };
  const work = workOf('fine-tune', task);
  const identity = { ...work, ...group.inputs, ...policy.inputs };
  const { stepsBefore } = running;
  const training = await TrainingInParts.prepare(services, { input, request, identity, scratch: scratch.path, stepsBefore, ...memoryLineage(task) });
  const { outcomes } = await runRecorded(services, input, running, training.asWork(work));
  const losses = await groupLossesFile.put(services.store, lossLogs(members, outcomes));
  const adapters = await Promise.all(
    members.map(async (member, i): Promise<[number, RecordedAdapter]> => [
      member.position,
      await commit(services, group, member, { job: training.jobs[i]!, outcome: outcomes[i]!, losses, lineage: training.lineage }, policy),
    ]),
  );
  await training.discard();
  return new Map(adapters);
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
): Promise<RecordedAdapter> {
  const { input } = group.data;
  const [manifests, key] = [services.manifests.of(group.scope.campaign), adapterKeyOf(group, member)];
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
    const summary = { status: 'diverged', step: outcome.step, message: outcome.message } as const;
    return adapterDocument.publish(manifests, key, { files: { [groupLossesFile.name]: losses }, lineage, summary });
  }
  const adapterFiles = await putDirectory(services.store, job.outDirectory);
  const adapter = await adapterDocument.publish(manifests, key, {
    files: { ...adapterFiles, [groupLossesFile.name]: losses },
    lineage,
    summary: { status: 'trained', steps: outcome.steps, finalLoss: outcome.finalLoss, trainedTokens: outcome.trainedTokens },
  });
  // The evaluation that follows reads it from this machine instead of fetching it back.
  await services.cache.adopt(adapterEntry(adapterFiles), job.outDirectory);
  return adapter;
}

/** One document a group, which all of its manifests name: requests to the store cost more than its few lines. */
function lossLogs(members: readonly AcceptedCandidate[], outcomes: readonly FineTuneOutcome[]) {
  return members.map(({ contextId, candidate }, i) => {
    const outcome = outcomes[i]!;
    return { contextId, candidate, log: outcome.status === 'done' ? outcome.log : [] };
  });
}
