import { basename } from 'node:path';
import type { CampaignInput, CampaignState } from '../campaign/campaign';
import { costOf } from '../campaign/ledger';
import { readCampaignData, readInput } from '../record/documents/campaign';
import { CurrentVersions } from '../record/documents/operators';
import { type CampaignReport, type CandidateRow, type LengthCorrelation, type ReportDocument } from '../record/documents/report';
import { type WorkRecord, workRecords } from '../record/documents/work';
import { correlation, correlationWithin, quantile } from '../seal/statistics/correlation';
import { comparisons, methodScore, type MethodRuns } from '../seal/report-data';
import type { Domains } from '../seal/domains/registry';
import type { ArtifactStore } from '../storage/artifact-store';
import { pinnedSha256 } from '../record/pinned-model';
import { collectEpoch } from './collect-epochs';
import { collectExamples } from './collect-examples';
import { collectLosses } from './collect-losses';
import { collectMethods, contextScores } from './collect-methods';
import { computedInParts } from './computed-in-parts';
import { ledgerOf } from './ledger';
import { ledgerRows } from './ledger-rows';
import { timelineOf } from './timeline';

/**
 * A campaign's report from what its store holds so far: finished epochs and methods, and the finished candidates of the
 * epoch that is under way.
 *
 * @param wallSeconds since the campaign began, as its workflow tells; 0 where nobody could ask
 * @throws ArtifactMissingError when no campaign of this id was ever pinned
 */
export async function collectReport(
  store: ArtifactStore,
  campaignId: string,
  state: CampaignState,
  wallSeconds: number,
  domains: Domains,
): Promise<ReportDocument> {
  const input = await readInput(store, campaignId);
  const data = await readCampaignData(store, input, domains);
  const titles = new Map(data.contexts.train.map(({ id, title }) => [id, title]));
  const versions = await CurrentVersions.read(store, campaignId);
  const epochs = [];
  for (let epoch = 1; epoch <= input.spec.epochs; epoch += 1) epochs.push(await collectEpoch(store, campaignId, versions.ofEpoch(epoch), titles));
  const candidates = epochs.flatMap((epoch) => epoch.candidates);
  const methods = await collectMethods(store, input, versions);
  const records = await workRecords(store, campaignId);
  const ledger = ledgerOf(records, wallSeconds);
  const report: CampaignReport = {
    campaignId,
    state,
    methods: methods.map(methodScore),
    epochs: epochs.flatMap(({ summary }) => summary ?? []),
    comparisons: comparisons(methods),
    ledger,
    excluded: candidates.flatMap(({ id, status, reason }) => (status === 'scored' ? [] : [{ id, status, reason }])),
    campaign: {
      name: input.spec.name,
      seed: input.spec.seed,
      model: basename(input.model.directory),
      modelSha256: pinnedSha256(input.model),
      codeVersion: input.codeVersion,
    },
    fineTunes: fineTunes(candidates, methods),
    lessMemory: computedInParts(candidates, records, data),
    losses: await collectLosses(store, input, versions, candidates),
    timeline: timelineOf(records),
    ledgerByWorker: ledgerRows('worker', records, data),
    cost: input.spec.ledger === undefined ? null : { ...input.spec.ledger, amount: costOf(ledger, input.spec.ledger) },
    lengths: lengthCorrelations(candidates),
    examples: await collectExamples(store, data, methods.map(({ name }) => name), versions),
    contexts: contextScores(data, methods),
    revisions: versions.revisions.map(({ revision, by, why, retried, changed, stale }) => ({ revision, by, why, retried, changed, stale })),
  };
  return { report, candidates, lineage: { ...lineageOf(input), otherCode: otherCodeIn(records) } };
}

function lineageOf({ spec, codeVersion, specSha256, model, train, heldOut, leftOut, template }: CampaignInput): Omit<ReportDocument['lineage'], 'otherCode'> {
  // Where an endpoint is and what it is called stays in the campaign's own record.
  const { endpoint: _endpoint, ...proposals } = spec.proposals;
  const { innerLoop, reward, selection, mStep, evaluation, limits, compute, concurrency } = spec;
  return {
    name: spec.name,
    seed: spec.seed,
    codeVersion,
    specSha256,
    model: model.files,
    trainSha256: train.sha256,
    heldOutSha256: heldOut.sha256,
    settings: {
      ...(leftOut === undefined ? {} : { 'left out of contexts': leftOut }),
      ...(template === undefined ? {} : { 'template (sha256)': template.sha256 }),
      ...{ proposals, innerLoop, grader: reward.grader, selection, mStep, evaluation, limits, compute, group: concurrency.group },
    },
  };
}

function otherCodeIn(records: readonly WorkRecord[]): ReportDocument['lineage']['otherCode'] {
  const computations = new Map<string, number>();
  for (const { codeVersion, outcome } of records) if (codeVersion !== undefined && outcome === 'done') computations.set(codeVersion, (computations.get(codeVersion) ?? 0) + 1);
  return [...computations].map(([version, count]) => ({ version, computations: count })).sort((a, b) => (a.version < b.version ? -1 : 1));
}

/** Those that ended: one a repeat of a scored candidate, one a held-out run that took a step. */
function fineTunes(candidates: readonly CandidateRow[], methods: readonly MethodRuns[]): number {
  const inEpochs = candidates.reduce((sum, { repeatRewards }) => sum + repeatRewards.length, 0);
  return methods.reduce((sum, { runs }) => sum + runs.filter(({ steps }) => steps > 0).length, inEpochs);
}

function lengthCorrelations(candidates: readonly CandidateRow[]): LengthCorrelation[] {
  const epochs = [...new Set(candidates.map(({ epoch }) => epoch))];
  return epochs.flatMap((epoch) => {
    const pairs = candidates.flatMap(({ epoch: own, contextId, reward, selfEditCharacters }) =>
      own === epoch && reward !== null && selfEditCharacters !== null ? [{ contextId, reward, length: selfEditCharacters }] : [],
    );
    if (pairs.length === 0) return [];
    const lengths = pairs.map(({ length }) => length);
    const rewards = pairs.map(({ reward }) => reward);
    return [
      {
        epoch,
        n: pairs.length,
        medianCharacters: quantile(lengths, 0.5),
        correlation: correlation(lengths, rewards),
        withinContexts: correlationWithin(pairs.map(({ contextId }) => contextId), lengths, rewards),
      },
    ];
  });
}
