import type { CampaignInput, CampaignReport, CampaignState, EpochSummary, Ledger } from '../contracts/campaign';
import { manifestKeys, workflowIds } from '../contracts/campaign';
import type { Context } from '../contracts/campaign-spec';
import { comparisons, methodScore, type MethodRuns } from '../seal/report-data';
import type { ArtifactStore } from '../storage/artifact-store';
import type { CandidateRecord } from './candidate-record';
import type { CandidateRow, ReportDocument } from './report/report-document';
import { fileOf, getJson, getManifestJson } from './stored-json';
import { RUNS_FILE } from './summarise-method';
import { SELECTION_FILE, type SelectionRecord } from './train-policy';

/**
 * A campaign's report from what its store holds so far: finished epochs and methods, and the finished candidates of the
 * epoch that is under way.
 *
 * @param ledger what only the campaign's workflow knows; it is in no artifact, since attempts differ
 * @throws ArtifactMissingError when no campaign of this id was ever pinned
 */
export async function collectReport(
  store: ArtifactStore,
  campaignId: string,
  state: CampaignState,
  ledger: Ledger,
): Promise<ReportDocument> {
  const key = manifestKeys.campaign(campaignId);
  const campaign = await store.readManifest(key);
  const input = await getJson<CampaignInput>(store, fileOf(key, campaign, 'input.json'));
  const titles = await titlesById(store, input);
  const epochs: EpochSummary[] = [];
  const candidates: CandidateRow[] = [];
  for (let epoch = 1; epoch <= input.spec.epochs; epoch += 1) {
    const found = await collectEpoch(store, campaignId, epoch, titles);
    if (found.summary !== null) epochs.push(found.summary);
    candidates.push(...found.candidates);
  }
  const methods = await collectMethods(store, input);
  const report: CampaignReport = {
    campaignId,
    state,
    methods: methods.map(methodScore),
    epochs,
    comparisons: comparisons(methods),
    ledger,
    excluded: candidates.flatMap(({ id, status, reason }) => (status === 'scored' ? [] : [{ id, status, reason }])),
  };
  const { spec, codeVersion, specSha256, model, train, heldOut } = input;
  return {
    report,
    candidates,
    lineage: {
      name: spec.name,
      seed: spec.seed,
      codeVersion,
      specSha256,
      model: model.files,
      trainSha256: train.sha256,
      heldOutSha256: heldOut.sha256,
      settings: {},
    },
  };
}

async function collectEpoch(
  store: ArtifactStore,
  campaignId: string,
  epoch: number,
  titles: ReadonlyMap<string, string>,
): Promise<{ summary: EpochSummary | null; candidates: CandidateRow[] }> {
  const key = manifestKeys.selection(campaignId, epoch);
  const manifest = await store.findManifest(key);
  const selection = manifest === null ? null : await getManifestJson<SelectionRecord>(store, key, manifest, SELECTION_FILE);
  const kept = new Set(selection?.kept.map(({ contextId, candidate }) => `${contextId}/c${candidate}`));
  const known = selection?.outcomes ?? (await finishedSoFar(store, campaignId, epoch));
  const candidates = await Promise.all(
    known.map(async (outcome): Promise<CandidateRow> => {
      const { contextId, candidate } = outcome;
      const record = await candidateRecord(store, campaignId, epoch, contextId, candidate);
      const scored = record?.status === 'scored' ? record : null;
      const reason = 'reason' in outcome ? outcome.reason : undefined;
      return {
        id: workflowIds.candidate(campaignId, epoch, contextId, candidate),
        epoch,
        contextId,
        title: titles.get(contextId) ?? '',
        candidate,
        status: outcome.status ?? record?.status ?? 'failed',
        reward: outcome.status === undefined || outcome.status === 'scored' ? (scored?.reward ?? null) : null,
        repeatRewards: scored?.repeatRewards ?? [],
        selected: kept.has(`${contextId}/c${candidate}`),
        steps: scored?.steps ?? null,
        trainedTokens: scored?.trainedTokens ?? null,
        reason: reason ?? (record?.status === 'rejected' ? record.reason : ''),
        adapters: scored?.adapters ?? [],
      };
    }),
  );
  return { summary: manifest === null ? null : (manifest.summary as unknown as EpochSummary), candidates };
}

type KnownCandidate = { readonly contextId: string; readonly candidate: number; readonly status?: CandidateRow['status']; readonly reason?: string };

/** Candidates of an unfinished epoch that have a record. */
async function finishedSoFar(store: ArtifactStore, campaignId: string, epoch: number): Promise<KnownCandidate[]> {
  const keys = await store.list(`campaigns/${campaignId}/epoch-${epoch}/`);
  return keys.flatMap((key) => {
    const [, contextId, candidate] = /\/([^/]+)\/c(\d+)\/candidate\.json$/.exec(key) ?? [];
    return contextId === undefined ? [] : [{ contextId, candidate: Number(candidate) }];
  });
}

async function candidateRecord(
  store: ArtifactStore,
  campaignId: string,
  epoch: number,
  contextId: string,
  candidate: number,
): Promise<CandidateRecord | null> {
  const manifest = await store.findManifest(manifestKeys.candidate(campaignId, `epoch-${epoch}`, contextId, candidate));
  return manifest === null ? null : (manifest.summary as unknown as CandidateRecord);
}

/** Finished methods in the order of the report. */
async function collectMethods(store: ArtifactStore, { campaignId, spec }: CampaignInput): Promise<MethodRuns[]> {
  const seal = Array.from({ length: spec.epochs }, (_, i) => `seal-epoch-${i + 1}`);
  const names = ['base', 'passage-only', 'passage-only-step-matched', 'self-edits', ...seal, 'oracle'];
  const found = await Promise.all(
    names.map(async (name) => {
      const key = manifestKeys.method(campaignId, name);
      const manifest = await store.findManifest(key);
      return manifest === null ? [] : [await getManifestJson<MethodRuns>(store, key, manifest, RUNS_FILE)];
    }),
  );
  return found.flat();
}

async function titlesById(store: ArtifactStore, input: CampaignInput): Promise<Map<string, string>> {
  const contexts = await getJson<Context[]>(store, input.train);
  return new Map(input.trainContexts.map(({ id, index }) => [id, contexts[index]?.title ?? '']));
}
