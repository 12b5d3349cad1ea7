/**
 * ReST-EM's choice among an epoch's scored self-edits, and its record.
 * Source: paper, "RL Optimization"; `seal/selection.ts` is the rule.
 */
import { type EpochVersion, scopes } from '../contracts/campaign';
import { canBeRetried } from '../contracts/failures';
import { readAll } from '../record/bounded-reads';
import { candidateDocument } from '../record/documents/candidates';
import { type CandidateName, selectionDocument, selectionFile } from '../record/documents/epochs';
import { manifestKeys } from '../record/keys';
import { epochSummary } from '../seal/report-data';
import { selectSelfEdits as select, unadaptedRewardOf } from '../seal/selection';
import { mean } from '../seal/statistics';
import type { CandidateSummary, SealActivities, SelectTask } from './activity-types';
import { findUnadapted } from './evaluate-base';
import { asActivity } from './execution/running-activity';
import { chunkCount } from './propose-self-edits';
import type { Services } from './services';
import { type CampaignData, contextAt, contextRefs } from './stored/campaign-data';

/** Publishes an epoch's selection. What was published first is what counts, and what is returned. */
export function selectSelfEdits(services: Services): SealActivities['selectSelfEdits'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async () => {
      const { store } = services;
      const { campaignId } = task.campaign;
      const { epoch, selection: version } = task.versions;
      const key = manifestKeys.selection(campaignId, epoch, version);
      const recorded = (await selectionDocument.find(store, key)) ?? (await publish(services, key, task));
      const { outcomes, kept } = await selectionFile.read(store, recorded);
      return {
        selection: selectionFile.refIn(recorded),
        summary: recorded.summary,
        retryable: outcomes.filter(({ status, failure }) => status === 'failed' && canBeRetried(failure)).length,
        isAsBefore: task.before !== undefined && sameNames(kept, await keptBefore(services, campaignId, task.before)),
      };
    });
}

async function publish(services: Services, key: string, task: SelectTask) {
  const data = await services.campaigns.read(task.campaign);
  const { spec, codeVersion } = data.input;
  const outcomes = await readAll(task.outcomes, async ({ position, ...rest }) => {
    const name = candidateName(task, position, data);
    return { ...name, ...rest, ...(await rejection(services, task, name, rest)) };
  });
  const unadapted = await unadaptedMeans(services, task, data);
  const { kept } = select(outcomes, spec.selection, (contextId) => unadaptedRewardOf(spec.reward.grader, unadapted.get(contextId) ?? 0));
  const record = { outcomes, kept: kept.map(({ contextId, candidate }) => ({ contextId, candidate })) };
  return selectionDocument.publish(services.store, key, {
    files: { [selectionFile.name]: await selectionFile.put(services.store, record) },
    lineage: { inputs: { proposals: task.proposals.sha256 }, codeVersion, settings: { ...spec.selection } },
    summary: epochSummary(task.versions.epoch, outcomes, kept.length),
  });
}

/** The unadapted policy's mean score on each context, where selection or rewards compare with it. */
async function unadaptedMeans(services: Services, { campaign, versions, unadaptedContextsPerChunk: contextsPerChunk }: SelectTask, data: CampaignData): Promise<Map<string, number>> {
  if (contextsPerChunk === undefined) return new Map();
  const scope = scopes.epoch(versions.epoch, versions.candidates);
  const chunks = chunkCount({ contextsPerChunk }, contextRefs(data, 'train').length);
  const lists = await readAll(
    Array.from({ length: chunks }, (_, i) => i + 1),
    async (chunk) => {
      const answers = await findUnadapted(services, { campaign, scope, split: 'train', policyAdapters: [], contextsPerChunk, chunk });
      if (answers === null) throw new RangeError(`${scope}: chunk ${chunk} of the unadapted answers is missing`);
      return answers;
    },
  );
  return new Map(lists.flat().map(({ contextId, answers }) => [contextId, mean(answers.map(({ score }) => score))]));
}

async function keptBefore({ store }: Services, campaignId: string, { epoch, selection }: EpochVersion): Promise<readonly CandidateName[]> {
  return (await selectionFile.read(store, await selectionDocument.read(store, manifestKeys.selection(campaignId, epoch, selection)))).kept;
}

function sameNames(a: readonly CandidateName[], b: readonly CandidateName[]): boolean {
  const names = (list: readonly CandidateName[]): string => list.map(({ contextId, candidate }) => `${contextId}/c${candidate}`).join();
  return names(a) === names(b);
}

/** Why a candidate was rejected: its own record says it. */
async function rejection(
  services: Services,
  { campaign, versions }: SelectTask,
  { contextId, candidate }: CandidateName,
  { status, reason }: Pick<CandidateSummary, 'status' | 'reason'>,
): Promise<{ readonly reason?: string }> {
  if (status !== 'rejected' || reason !== undefined) return {};
  const key = manifestKeys.candidate(campaign.campaignId, scopes.epoch(versions.epoch, versions.candidates), contextId, candidate);
  const { summary } = await candidateDocument.read(services.manifests.of(campaign), key);
  return summary.status === 'rejected' ? { reason: summary.reason } : {};
}

function candidateName({ perContext }: SelectTask, position: number, data: CampaignData): CandidateName {
  const { id } = contextAt(data, 'train', Math.floor(position / perContext));
  return { contextId: id, candidate: (position % perContext) + 1 };
}
