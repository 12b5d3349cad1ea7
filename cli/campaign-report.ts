import type { CampaignState, Ledger } from '../contracts/campaign';
import { manifestKeys } from '../contracts/campaign';
import { collectReport } from '../activities/collect-report';
import type { ReportDocument } from '../activities/report/report-document';
import { fileOf, getJson } from '../activities/stored-json';
import type { ArtifactStore } from '../storage/artifact-store';
import type { CampaignClient } from './campaign-client';
import { campaignStatus } from './campaign-status';
import { NoWorkerError } from './campaign-client';

/**
 * A campaign's report: the one it published when it completed, or one of what is there so far.
 * @throws BadInputError where neither store nor server knows the campaign
 */
export async function reportDocument(
  store: ArtifactStore,
  connect: () => Promise<CampaignClient>,
  campaignId: string,
): Promise<ReportDocument> {
  const key = manifestKeys.report(campaignId);
  const manifest = await store.findManifest(key);
  if (manifest !== null) return getJson<ReportDocument>(store, fileOf(key, manifest, 'document.json'));
  const campaigns = await connect();
  try {
    const state = await currentState(campaigns, campaignId);
    return await collectReport(store, campaignId, state, UNKNOWN_LEDGER);
  } finally {
    await campaigns.close();
  }
}

/** What a campaign has cost is published with its final report. */
const UNKNOWN_LEDGER: Ledger = {
  wallSeconds: 0,
  trainSeconds: 0,
  evaluateSeconds: 0,
  generateSeconds: 0,
  trainedTokens: 0,
  generatedTokens: 0,
  retries: 0,
};

async function currentState(campaigns: CampaignClient, campaignId: string): Promise<CampaignState> {
  const execution = await campaigns.execution(campaignId);
  if (execution.closed) return execution.state;
  try {
    return (await campaignStatus(campaigns, campaignId)).state;
  } catch (error) {
    if (!(error instanceof NoWorkerError)) throw error;
    return execution.state;
  }
}
