import { publishDigest } from '../record/documents/digest';
import { CANDIDATES_FILE, documentFile, PAGE_FILE, publishedReport, reportFile } from '../record/documents/report';
import { keyPrefixes, manifestKeys } from '../record/keys';
import { canonicalJson } from '../storage/canonical-json';
import { hashBytes } from '../storage/content-hash';
import type { SealActivities } from './activity-types';
import { asActivity } from './execution/running-activity';
import { renderCandidatesCsv } from '../report/candidates-csv';
import { collectReport } from '../report/collect-report';
import { renderReportHtml } from '../report/report-html';
import type { Services } from './services';
import { removeCheckpoints } from './training/stored-checkpoints';

/**
 * Publishes the report: of a completed campaign under its fixed key, of one that stopped earlier under a key of its own, since
 * it may be started again and then completes. The record's digest is published with it.
 */
export function writeReport(services: Services): SealActivities['writeReport'] {
  const { renderHtml = renderReportHtml } = services;
  return ({ campaign, state, wallSeconds, revision }) =>
    asActivity(services.heartbeatIntervalMs, async () => {
      const { store } = services;
      const { campaignId } = campaign;
      const document = await collectReport(store, campaignId, state, wallSeconds, services.domains);
      const { sha256 } = hashBytes(Buffer.from(canonicalJson(document.report)));
      const key = state === 'completed' ? manifestKeys.report(campaignId, revision) : manifestKeys.partialReport(campaignId, state, sha256);
      const inputs = { campaign: campaign.input.sha256 };
      await publishedReport.publish(store, key, {
        files: {
          [documentFile.name]: await documentFile.put(store, document),
          [reportFile.name]: await reportFile.put(store, document.report),
          [CANDIDATES_FILE]: await store.put(Buffer.from(renderCandidatesCsv(document.candidates)), 'text/csv'),
          [PAGE_FILE]: await store.put(Buffer.from(await renderHtml(document)), 'text/html'),
        },
        lineage: { inputs, codeVersion: document.lineage.codeVersion, settings: { state } },
        summary: { state, wallSeconds },
      });
      if (state === 'completed') await removeCheckpoints(store, keyPrefixes.checkpoints(campaignId));
      return { key, digest: await publishDigest(store, campaignId, { inputs, codeVersion: document.lineage.codeVersion }) };
    });
}
