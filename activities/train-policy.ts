/**
 * The M-step: supervised fine-tuning of the policy on the self-edits that selection kept.
 * Source: paper, "RL Optimization" (ReST-EM), and the reference's SFT settings.
 */
import { join } from 'node:path';
import { scopes } from '../campaign/campaign';
import { NotFiniteError } from '../campaign/errors';
import type { TrainingRow } from '../campaign/language-model';
import { type CandidateName, policyDocument, policyLossesFile, policyTrainingDocument, rowsFile, selectionFile } from '../record/documents/epochs';
import { manifestKeys } from '../record/keys';
import { mStepSeed } from '../seal/algorithm/seeds';
import { putDirectory } from '../storage/artifact-directory';
import type { PolicyTask, SealActivities } from './activity-types';
import { loraOf, optimiserOf } from './candidates/candidates';
import { computedBy } from './execution/computed-by';
import { memoryLineage } from './execution/less-memory';
import { recordLost, runRecorded } from './execution/recorded-work';
import { asActivity } from './execution/running-activity';
import { computeLimits, type Services, scratchDirectory } from './services';
import type { CampaignData } from '../record/documents/campaign';
import { TrainingInParts } from './training/training-in-parts';

/**
 * Trains the policy on the epoch's selection; `policy` is the new adapter's manifest key, or null when nothing is left to train on and
 * the policy stays as it is. The policy's manifest is published last: it says that the M-step is done.
 *
 * @throws NotFiniteError (not retryable) when training diverged
 */
export function trainPolicy(services: Services): SealActivities['trainPolicy'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async (running) => {
      const { store } = services;
      const data = await services.campaigns.read(task.campaign);
      const { input } = data;
      await recordLost(services, input, running);
      const { epoch, policy: version } = task.versions;
      const key = manifestKeys.policy(input.campaignId, epoch, version);
      const known = await store.findManifest(key);
      if (known !== null) return { policy: key };
      const rows = await policyRows(services, task, data);
      if (rows.length === 0) return { policy: null };
      await using policy = await services.models.policy(input.model, task.policy, computeLimits(input));
      const seed = mStepSeed(input.spec.seed, epoch);
      const optimiser = optimiserOf(input.spec.mStep);
      const lora = loraOf(input.spec.mStep);
      await using scratch = await scratchDirectory(services);
      const outDirectory = join(scratch.path, 'policy');
      const { gradientCheckpointing } = input.spec.mStep;
      const request = { modelDirectory: policy.directory, compute: input.spec.compute, lora, gradientCheckpointing, jobs: [{ rows, optimiser, seed, outDirectory }] };
      const work = { kind: 'm-step', scope: scopes.epoch(epoch, version), from: 0, to: rows.length, repeat: 0, ...memoryLineage(task) } as const;
      const { stepsBefore } = running;
      const training = await TrainingInParts.prepare(services, { input, request, identity: { ...work, ...policy.inputs }, scratch: scratch.path, stepsBefore, ...memoryLineage(task) });
      const result = await runRecorded(services, input, running, training.asWork(work));
      const [outcome] = result.outcomes;
      if (outcome === undefined || outcome.status === 'failed') {
        throw new NotFiniteError(`M-step of epoch ${epoch}: ${outcome?.message ?? 'no outcome'}`);
      }
      const rowsRef = await rowsFile.put(store, rows);
      await policyTrainingDocument.publish(store, manifestKeys.policyTraining(input.campaignId, epoch, version), {
        files: { [rowsFile.name]: rowsRef, [policyLossesFile.name]: await policyLossesFile.put(store, outcome.log) },
        lineage: { inputs: {}, codeVersion: input.codeVersion, settings: {} },
      });
      await policyDocument.publish(store, key, {
        files: await putDirectory(store, outDirectory),
        lineage: {
          inputs: { rows: rowsRef.sha256, proposals: task.proposals.sha256, selection: task.selection.sha256, ...policy.inputs },
          seed,
          codeVersion: input.codeVersion,
          settings: { lora, optimiser: training.jobs[0]?.optimiser ?? optimiser, compute: computedBy(services, input), ...training.lineage },
        },
        summary: { parent: task.policy, steps: outcome.steps, finalLoss: outcome.finalLoss, trainedTokens: outcome.trainedTokens, rows: rows.length },
      });
      await training.discard();
      return { policy: key };
    });
}

/** Rows of the M-step, in the order of selection; a blank self-edit gives none. */
async function policyRows(services: Services, task: PolicyTask, data: CampaignData): Promise<TrainingRow[]> {
  const [proposals, { kept }] = await Promise.all([services.proposals.read(task.proposals), selectionFile.get(services.store, task.selection)]);
  const proposalOf = new Map(proposals.map((proposal) => [nameOf(proposal), proposal]));
  const contextOf = new Map(data.contexts.train.map((context) => [context.id, context]));
  return kept.flatMap((name) => {
    const [context, proposal] = [contextOf.get(name.contextId), proposalOf.get(nameOf(name))];
    if (context === undefined || proposal === undefined) throw new RangeError(`epoch ${task.versions.epoch}: nothing was proposed as ${nameOf(name)}`);
    const row = data.domain.policyRow(context.task, proposal, data.wording);
    return row === null ? [] : [row];
  });
}

function nameOf({ contextId, candidate }: CandidateName): string {
  return `${contextId}/c${candidate}`;
}
