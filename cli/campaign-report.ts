import { collectReport } from '../report/collect-report';
import type { CampaignProgress } from '../campaign/campaign';
import { CurrentVersions } from '../record/documents/operators';
import { documentFile, publishedReport, type ReportDocument } from '../record/documents/report';
import { SchemaMismatchError } from '../record/json-file';
import { manifestKeys } from '../record/keys';
import { DOMAINS } from '../seal/domains/registry';
import type { ArtifactStore } from '../storage/artifact-store';
import { type CampaignClient } from './campaign-client';
import { NoWorkerError } from './campaign-failures';
import { campaignStatus } from './campaign-status';

/**
 * A campaign's report: the one it published when it ended, or one of what is there so far.
 * @throws BadInputError where neither store nor server knows the campaign
 */
export async function reportDocument(
  store: ArtifactStore,
  connect: () => Promise<CampaignClient>,
  campaignId: string,
): Promise<ReportDocument> {
  const { revisions } = await CurrentVersions.read(store, campaignId);
  const finished = await documentAt(store, campaignId, manifestKeys.report(campaignId, revisions.length));
  if (finished !== null) return finished;
  const campaigns = await connect();
  try {
    const { state } = await campaigns.execution(campaignId);
    const progress = await progressIfAnswered(campaigns, campaignId);
    const partial = progress?.report === undefined ? null : await documentAt(store, campaignId, progress.report.key);
    return partial ?? (await collectReport(store, campaignId, progress?.state ?? state, progress?.wallSeconds ?? 0, DOMAINS));
  } finally {
    await campaigns.close();
  }
}

async function documentAt(store: ArtifactStore, campaignId: string, key: string): Promise<ReportDocument | null> {
  const published = await publishedReport.find(store, key);
  if (published === null) return null;
  try {
    return await documentFile.read(store, published);
  } catch (error) {
    // Of a version that had other things to tell.
    if (!(error instanceof SchemaMismatchError)) throw error;
    return collectReport(store, campaignId, published.summary.state, published.summary.wallSeconds, DOMAINS);
  }
}

/** Null where no worker answers: what the store holds can be reported without one. */
async function progressIfAnswered(campaigns: CampaignClient, campaignId: string): Promise<CampaignProgress | null> {
  try {
    return await campaignStatus(campaigns, campaignId);
  } catch (error) {
    if (!(error instanceof NoWorkerError)) throw error;
    return null;
  }
}
