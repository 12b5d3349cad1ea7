/**
 * ReST-EM's choice among an epoch's scored self-edits, and its record.
 * Source: paper, "RL Optimization"; `seal/algorithm/selection.ts` is the rule.
 */
import { type EpochVersion, scopes } from '../campaign/campaign';
import { canBeRetried } from '../campaign/failures';
import { readAll } from '../record/bounded-reads';
import { type CandidateName, type Selection, selectionDocument, selectionFile } from '../record/documents/epochs';
import { manifestKeys } from '../record/keys';
import { chunkCount, numbersIn, placeOf } from '../seal/algorithm/plan';
import { epochSummary } from '../seal/report-data';
import { selectSelfEdits as select, unadaptedRewardOf } from '../seal/algorithm/selection';
import { mean } from '../seal/statistics/statistics';
import type { SealActivities, SelectTask } from './activity-types';
import { endedCandidates, readEnd } from '../record/candidate-outcomes';
import { findUnadapted } from './evaluate-base';
import { asActivity } from './execution/running-activity';
import type { Services } from './services';
import type { CampaignData } from '../record/documents/campaign';
import { contextAt } from './stored/campaign-data';

/** Publishes an epoch's selection. What was published first is what counts, and what is returned. */
export function selectSelfEdits(services: Services): SealActivities['selectSelfEdits'] {
  return (task) =>
    asActivity(services.heartbeatIntervalMs, async () => {
      const { store } = services;
      const { campaignId } = task.campaign;
      const { epoch, selection: version } = task.versions;
      const key = manifestKeys.selection(campaignId, epoch, version);
      const recorded = (await selectionDocument.find(store, key)) ?? (await publish(services, key, task));
      const record = await selectionFile.read(store, recorded);
      return {
        selection: selectionFile.refIn(recorded),
        summary: recorded.summary,
        retryable: retryableOf(record),
        isAsBefore: task.before !== undefined && sameNames(record.kept, await keptBefore(services, campaignId, task.before)),
      };
    });
}

/** Failed candidates that another attempt may help. */
export function retryableOf({ outcomes }: Selection): number {
  return outcomes.filter(({ status, failure }) => status === 'failed' && canBeRetried(failure)).length;
}

async function publish(services: Services, key: string, task: SelectTask) {
  const data = await services.campaigns.read(task.campaign);
  const { spec, codeVersion } = data.input;
  const ended = await endedCandidates(services.store, task.campaign.campaignId, scopes.epoch(task.versions.epoch, task.versions.candidates));
  const planned = numbersIn({ from: 0, to: data.contexts.train.length * task.perContext });
  const outcomes = await readAll(planned, async (position): Promise<Selection['outcomes'][number]> => {
    const { context, candidate } = placeOf(position, task.perContext);
    const { id: contextId } = contextAt(data, 'train', context);
    const record = ended.get(`${contextId}/c${candidate}`);
    if (record === undefined) throw new RangeError(`epoch ${task.versions.epoch}: nothing says how candidate ${contextId}/c${candidate} ended`);
    const end = await readEnd(services.store, record);
    switch (end.status) {
      case 'scored':
        return { contextId, candidate, status: 'scored', reward: end.reward };
      case 'rejected':
        return { contextId, candidate, status: 'rejected', reason: end.reason };
      case 'failed':
        return { contextId, candidate, ...end };
    }
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
  const chunks = chunkCount(data.contexts.train.length, contextsPerChunk);
  const lists = await readAll(
    numbersIn({ from: 1, to: chunks + 1 }),
    async (chunk) => {
      const answers = await findUnadapted(services, { campaign, scope, chunk });
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
