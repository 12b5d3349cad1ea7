import { collectReport } from '../activities/report/collect-report';
import { REPORT_DOCUMENT_VERSION, type ReportDocument } from '../activities/report/report-document';
import { CurrentVersions } from '../activities/revisions';
import { fileOf, getJson } from '../activities/stored/stored-json';
import type { CampaignProgress } from '../contracts/campaign';
import { manifestKeys } from '../record/keys';
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
  const finished = await publishedReport(store, manifestKeys.report(campaignId, revisions.length));
  if (finished !== null) return finished;
  const campaigns = await connect();
  try {
    const { state } = await campaigns.execution(campaignId);
    const progress = await progressIfAnswered(campaigns, campaignId);
    const partial = progress?.report === undefined ? null : await publishedReport(store, progress.report.key);
    return partial ?? (await collectReport(store, campaignId, progress?.state ?? state, progress?.wallSeconds ?? 0));
  } finally {
    await campaigns.close();
  }
}

async function publishedReport(store: ArtifactStore, key: string): Promise<ReportDocument | null> {
  const manifest = await store.findManifest(key);
  if (manifest === null) return null;
  const document = await getJson<ReportDocument>(store, fileOf(key, manifest, 'document.json'));
  if (document.version === REPORT_DOCUMENT_VERSION) return document;
  const { campaignId, state, ledger } = document.report;
  return collectReport(store, campaignId, state, ledger.wallSeconds);
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
