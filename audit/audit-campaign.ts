import { manifestKeys } from '../record/keys';
import { computedWhere } from '../record/lineage';
import type { Domains } from '../seal/domains/registry';
import type { ArtifactStore } from '../storage/artifact-store';
import { CampaignRecord } from './campaign-record';
import { checkArtifacts } from './check-artifacts';
import { checkHistories, type HistoryProgress, type RecordedAction, type Replaying } from './check-histories';
import { checkLineage } from './check-lineage';
import { checkMethods } from './check-methods';
import { checkRewards } from './check-rewards';
import { checkDigests } from './check-digests';
import { checkDocuments } from './check-documents';
import { checkSelection } from './check-selection';
import { type AuditBreak, Findings } from './findings';
import type { HistorySource } from './history-source';

export interface OtherCode {
  readonly version: string;
  readonly manifests: number;
}

export interface AuditResult {
  readonly campaignId: string;
  /** Artifacts whose hash was verified. */
  readonly artifacts: number;
  readonly manifests: number;
  /** Histories that were replayed. */
  readonly histories: number;
  /** Other code than the campaign began with that computed some of its results, with the number of their manifests. */
  readonly otherCode: readonly OtherCode[];
  readonly breaks: readonly AuditBreak[];
  /** What operators did, oldest first. */
  readonly actions: readonly RecordedAction[];
  /** What could not be looked at, in words. */
  readonly unchecked: readonly string[];
}

export interface AuditedCampaign {
  readonly campaignId: string;
  readonly store: ArtifactStore;
  /** False for an export without them. */
  readonly hasArtifacts: boolean;
  readonly domains: Domains;
  /** @param record as it was read: its archive is one of the sources */
  readonly histories: (record: CampaignRecord) => HistorySource;
  readonly replaying: Replaying;
  readonly progress?: HistoryProgress;
}

/** Verifies a campaign's record from the hashes of its artifacts to its histories. Finds, never throws for, what is broken in it. */
export async function auditCampaign(campaign: AuditedCampaign): Promise<AuditResult> {
  const { campaignId, store, hasArtifacts, domains } = campaign;
  const findings = new Findings();
  const record = await CampaignRecord.read(store, campaignId, hasArtifacts, findings);
  const first = manifestKeys.campaign(campaignId);
  if (!record.hashes.has(first)) findings.add('manifest-missing', first, 'the manifest that a record begins with', `nothing in ${store.location}`);
  const input = await record.input();
  const unnamed = await checkDigests(record, findings);
  if (unnamed.length > 0) findings.leftUnchecked(`${unnamed.length} manifests that no digest names: of a campaign that runs, or published after its end`);
  checkDocuments(record, findings);
  const artifacts = await checkArtifacts(record, findings);
  await checkLineage(record, input, findings);
  if (input !== null) {
    const domain = domains.get(input.spec.domain);
    await checkRewards(record, input, domain, findings);
    await checkSelection(record, input, domain, findings);
    await checkMethods(record, input, domain, findings);
  }
  const { histories, actions } = await checkHistories(record, campaign.histories(record), campaign.replaying, findings, campaign.progress);
  const { breaks, unchecked } = findings;
  return { campaignId, artifacts, manifests: record.manifests.size, histories, otherCode: otherCodeIn(record), breaks, actions, unchecked };
}

/** Results name the code that computed them where it is not the campaign's: after an upgrade. */
function otherCodeIn(record: CampaignRecord): OtherCode[] {
  const manifests = new Map<string, number>();
  for (const { manifest } of record.manifests.values()) {
    const { codeVersion } = computedWhere(manifest);
    if (codeVersion !== undefined) manifests.set(codeVersion, (manifests.get(codeVersion) ?? 0) + 1);
  }
  return [...manifests].map(([version, count]) => ({ version, manifests: count })).sort((a, b) => (a.version < b.version ? -1 : 1));
}
