import type { PinnedCampaign, PolicyTask } from '../../activities/activity-types';
import type { ArtifactRef } from '../../campaign/artifacts';
import { epochInVersion } from '../../campaign/campaign';
import { type CampaignData, inputFile, readCampaignData } from '../../record/documents/campaign';
import { candidateDocument, failedCandidateDocument } from '../../record/documents/candidates';
import { type Selection, selectionDocument, selectionFile } from '../../record/documents/epochs';
import { manifestKeys } from '../../record/keys';
import { epochSummary } from '../../seal/report-data';
import { DOMAINS } from '../../seal/domains/registry';
import type { ArtifactStore } from '../../storage/artifact-store';

/** How a candidate has ended. */
export type End = { readonly position: number } & Omit<Selection['outcomes'][number], 'contextId' | 'candidate'>;

interface Chosen {
  readonly campaign: PinnedCampaign;
  readonly epoch: number;
  /** Of the selection. @default 1 */
  readonly version?: number;
  readonly proposals: ArtifactRef;
  /** That is trained on. @default the base */
  readonly policy?: string | null;
  /** Positions, two candidates a context. */
  readonly kept: readonly number[];
  readonly outcomes?: readonly End[];
}

/** Publishes a selection of a test's own making. @returns the M-step's task */
export async function storedSelection(store: ArtifactStore, { campaign, epoch, version = 1, proposals, kept, outcomes = [], policy = null }: Chosen): Promise<PolicyTask> {
  const { input, contexts } = await dataOf(store, campaign);
  const name = (position: number) => ({ contextId: contexts.train[Math.floor(position / 2)]!.id, candidate: (position % 2) + 1 });
  const record: Selection = { outcomes: outcomes.map(({ position, ...rest }) => ({ ...name(position), ...rest })), kept: kept.map(name) };
  const selection = await selectionFile.put(store, record);
  await selectionDocument.publish(store, manifestKeys.selection(campaign.campaignId, epoch, version), {
    files: { [selectionFile.name]: selection },
    lineage: { inputs: { proposals: proposals.sha256 }, codeVersion: input.codeVersion, settings: { ...input.spec.selection } },
    summary: epochSummary(epoch, record.outcomes, kept.length),
  });
  return { campaign, versions: { ...epochInVersion(epoch), selection: version }, policy, proposals, selection };
}

/** Publishes the records of an epoch's candidates, two a context; of failures, those of a pass. */
export async function storedEnds(store: ArtifactStore, campaign: PinnedCampaign, ends: readonly End[], pass = 1000): Promise<void> {
  const { campaignId } = campaign;
  const { input, contexts } = await dataOf(store, campaign);
  for (const { position, status, reward = 0, reason = '', failure = 'bug' } of ends) {
    const contextId = contexts.train[Math.floor(position / 2)]!.id;
    const candidate = (position % 2) + 1;
    const content = { files: {}, lineage: { inputs: {}, codeVersion: input.codeVersion, settings: { contextId, candidate } } };
    if (status === 'failed') {
      await failedCandidateDocument.publish(store, manifestKeys.failedCandidate(campaignId, 'epoch-1', contextId, candidate, pass), { ...content, summary: { status, reason, failure } });
      continue;
    }
    const scored = { status: 'scored', reward, repeatRewards: [reward], adapters: ['a'.repeat(64)], steps: 1, trainedTokens: 1, notes: [] } as const;
    const summary = status === 'scored' ? scored : { status, reason };
    await candidateDocument.publish(store, manifestKeys.candidate(campaignId, 'epoch-1', contextId, candidate), { ...content, summary });
  }
}

async function dataOf(store: ArtifactStore, campaign: PinnedCampaign): Promise<CampaignData> {
  return readCampaignData(store, await inputFile.get(store, campaign.input), DOMAINS);
}
