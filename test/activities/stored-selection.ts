import type { CandidateSummary, PinnedCampaign, PolicyTask } from '../../activities/activity-types';
import type { ArtifactRef } from '../../contracts/artifacts';
import { epochInVersion } from '../../contracts/campaign';
import { inputFile } from '../../record/documents/campaign';
import { type Selection, selectionDocument, selectionFile } from '../../record/documents/epochs';
import { manifestKeys } from '../../record/keys';
import { epochSummary } from '../../seal/report-data';
import type { ArtifactStore } from '../../storage/artifact-store';

interface Chosen {
  readonly campaign: PinnedCampaign;
  readonly epoch: number;
  readonly proposals: ArtifactRef;
  readonly policyAdapters?: readonly string[];
  /** Positions, two candidates a context. */
  readonly kept: readonly number[];
  readonly outcomes?: readonly CandidateSummary[];
}

/** Publishes a selection of a test's own making. @returns the M-step's task */
export async function storedSelection(store: ArtifactStore, { campaign, epoch, proposals, kept, outcomes = [], policyAdapters = [] }: Chosen): Promise<PolicyTask> {
  const input = await inputFile.get(store, campaign.input);
  const name = (position: number) => ({ contextId: input.trainContexts[Math.floor(position / 2)]!.id, candidate: (position % 2) + 1 });
  const record: Selection = { outcomes: outcomes.map(({ position, ...rest }) => ({ ...name(position), ...rest })), kept: kept.map(name) };
  const selection = await selectionFile.put(store, record);
  await selectionDocument.publish(store, manifestKeys.selection(campaign.campaignId, epoch), {
    files: { [selectionFile.name]: selection },
    lineage: { inputs: { proposals: proposals.sha256 }, codeVersion: input.codeVersion, settings: { ...input.spec.selection } },
    summary: epochSummary(epoch, record.outcomes, kept.length),
  });
  return { campaign, versions: epochInVersion(epoch), policyAdapters, proposals, selection };
}
