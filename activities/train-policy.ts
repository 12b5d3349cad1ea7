/**
 * The M-step: supervised fine-tuning of the policy on the self-edits that selection kept.
 * Source: paper, "RL Optimization" (ReST-EM), and the reference's SFT settings.
 */
import { join } from 'node:path';
import type { CandidateOutcome, EpochSummary, EpochVersion } from '../contracts/campaign';
import { epochInVersion, manifestKeys, scopes } from '../contracts/campaign';
import { NotFiniteError } from '../contracts/errors';
import type { TrainingRow } from '../contracts/language-model';
import { epochSummary } from '../seal/report-data';
import { mStepSeed } from '../seal/rest-em';
import { putDirectory } from '../storage/artifact-directory';
import type { CandidateSummary, PolicyTask, SealActivities } from './activity-types';
import { loraOf, optimiserOf } from './candidates/candidates';
import { computedBy } from './execution/computed-by';
import { memoryLineage } from './execution/less-memory';
import { recordLost, runRecorded } from './execution/recorded-work';
import { asActivity } from './execution/running-activity';
import { LOSS_FILE } from './fine-tune-adapter';
import { computeLimits, type Services, withScratch } from './services';
import { readAll } from './stored/bounded-reads';
import type { CampaignData } from './stored/campaign-data';
import { contextAt } from './stored/campaign-data';
import { putJson } from './stored/stored-json';
import { TrainingInParts } from './training/training-in-parts';

export const SELECTION_FILE = 'selection.json';
const ROWS_FILE = 'rows.json';

/** Where an epoch's M-step rows and losses are. */
export function policyTrainingKey(campaignId: string, epoch: number, version = 1): string {
  return `${manifestKeys.policy(campaignId, epoch, version).slice(0, -'.json'.length)}-training.json`;
}

/** An epoch's choice: every outcome in planned order, and what was kept. */
export interface SelectionRecord {
  readonly outcomes: readonly Pick<CandidateOutcome, 'contextId' | 'candidate' | 'status' | 'reward' | 'reason' | 'failure'>[];
  readonly kept: readonly { readonly contextId: string; readonly candidate: number }[];
}

/**
 * Records the epoch's selection and trains the policy on it; `policy` is the new adapter's manifest key, or null when
 * nothing was kept and the policy stays as it is.
 *
 * @throws NotFiniteError (not retryable) when training diverged
 */
export function trainPolicy(services: Services): SealActivities['trainPolicy'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async ({ signal, onProgress, expenses, stepsBefore }) => {
      const { store } = services;
      const data = await services.campaigns.read(task.campaign);
      const { input } = data;
      await recordLost(services, input, expenses);
      await recordSelection(services, task, data);
      if (task.onlySelection === true) return { policy: null, spent: expenses.total };
      const { policy: version } = versionsOf(task);
      const key = manifestKeys.policy(input.campaignId, task.epoch, version);
      const known = await store.findManifest(key);
      if (known !== null) return { policy: key, spent: expenses.total };
      const rows = await policyRows(services, task, data);
      if (rows.length === 0) return { policy: null, spent: expenses.total };
      const policy = await services.models.policy(input.model, task.policyAdapters, computeLimits(input));
      const seed = mStepSeed(input.spec.seed, task.epoch);
      const optimiser = optimiserOf(input.spec.mStep);
      const lora = loraOf(input.spec.mStep);
      return withScratch(services, async (scratch) => {
        const outDirectory = join(scratch, 'policy');
        const { gradientCheckpointing } = input.spec.mStep;
        const request = { modelDirectory: policy.directory, compute: input.spec.compute, lora, gradientCheckpointing, jobs: [{ rows, optimiser, seed, outDirectory }] };
        const work = { kind: 'm-step', scope: scopes.epoch(task.epoch, version), from: 0, to: rows.length, repeat: 0, ...memoryLineage(task) } as const;
        const training = await TrainingInParts.prepare(services, { input, request, identity: { ...work, ...policy.inputs }, scratch, stepsBefore, ...memoryLineage(task) });
        const { result, spent } = await runRecorded(services, input, { ...training.asWork(work), signal, onProgress });
        expenses.add(spent);
        const [outcome] = result.outcomes;
        if (outcome === undefined || outcome.status === 'failed') {
          throw new NotFiniteError(`M-step of epoch ${task.epoch}: ${outcome?.message ?? 'no outcome'}`);
        }
        const rowsRef = await putJson(store, rows);
        await store.publish(key, {
          kind: 'policy',
          files: await putDirectory(store, outDirectory),
          lineage: {
            inputs: { rows: rowsRef.sha256, proposals: task.proposals.sha256, ...policy.inputs },
            seed,
            codeVersion: input.codeVersion,
            settings: { lora, optimiser: training.jobs[0]?.optimiser ?? optimiser, compute: computedBy(services, input), ...training.lineage },
          },
          summary: { steps: outcome.steps, finalLoss: outcome.finalLoss, trainedTokens: outcome.trainedTokens, rows: rows.length },
        });
        await store.publish(policyTrainingKey(input.campaignId, task.epoch, version), {
          kind: 'policy-training',
          files: { [ROWS_FILE]: rowsRef, [LOSS_FILE]: await putJson(store, outcome.log) },
          lineage: { inputs: {}, codeVersion: input.codeVersion, settings: {} },
        });
        await training.discard();
        return { policy: key, spent: expenses.total };
      });
    });
}

/** Rows of the M-step, in the order of selection; a blank self-edit gives none. */
async function policyRows(services: Services, task: PolicyTask, data: CampaignData): Promise<TrainingRow[]> {
  const proposals = await services.proposals.read(task.proposals);
  return task.kept.flatMap((position) => {
    const { context } = contextAt(data, 'train', Math.floor(position / task.perContext));
    const proposal = proposals[position];
    if (proposal === undefined) throw new RangeError(`epoch ${task.epoch}: the proposals hold nothing at ${position}`);
    const row = services.domain.policyRow(context, proposal, data.wording);
    return row === null ? [] : [row];
  });
}

async function recordSelection(services: Services, task: PolicyTask, data: CampaignData): Promise<void> {
  const { campaignId, spec, codeVersion } = data.input;
  const outcomes = await readAll(task.outcomes, async ({ position, ...rest }) => {
    const name = candidateName(task, position, data);
    return { ...name, ...rest, ...(await rejection(services, task, name, rest)) };
  });
  const record: SelectionRecord = { outcomes, kept: task.kept.map((position) => candidateName(task, position, data)) };
  const summary: EpochSummary = epochSummary(task.epoch, outcomes.map((outcome) => ({ ...outcome, adapters: [], recordKey: '' })), task.kept.length);
  await services.store.publish(manifestKeys.selection(campaignId, task.epoch, versionsOf(task).selection), {
    kind: 'selection',
    files: { [SELECTION_FILE]: await putJson(services.store, record) },
    lineage: { inputs: { proposals: task.proposals.sha256 }, codeVersion, settings: { ...spec.selection } },
    summary: { ...summary },
  });
}

/** Why a candidate was rejected: its own record says it. */
async function rejection(
  services: Services,
  task: PolicyTask,
  { contextId, candidate }: ReturnType<typeof candidateName>,
  { status, reason }: Pick<CandidateSummary, 'status' | 'reason'>,
): Promise<{ readonly reason?: string }> {
  if (status !== 'rejected' || reason !== undefined) return {};
  const scope = scopes.epoch(task.epoch, versionsOf(task).candidates);
  const key = manifestKeys.candidate(task.campaign.campaignId, scope, contextId, candidate);
  const { summary } = await services.manifests.read(task.campaign, key);
  return { reason: String(summary?.['reason']) };
}

function versionsOf({ epoch, versions }: PolicyTask): EpochVersion {
  return versions ?? epochInVersion(epoch);
}

function candidateName(task: PolicyTask, position: number, data: CampaignData): { contextId: string; candidate: number } {
  const { id } = contextAt(data, 'train', Math.floor(position / task.perContext));
  return { contextId: id, candidate: (position % task.perContext) + 1 };
}
