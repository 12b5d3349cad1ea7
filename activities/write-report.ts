import { manifestKeys } from '../contracts/campaign';
import { canonicalJson } from '../storage/canonical-json';
import { hashBytes } from '../storage/content-hash';
import type { SealActivities } from './activity-types';
import { collectReport } from './collect-report';
import { removeClaims } from './group-claims';
import { renderCandidatesCsv } from './report/candidates-csv';
import { renderReportHtml } from './report/report-html';
import { asActivity } from './running-activity';
import { sealRecord } from './seal-record';
import type { Services } from './services';
import { removeCheckpoints } from './stored-checkpoints';
import { putJson } from './stored-json';

/**
 * Publishes the report: of a completed campaign under its fixed key, of one that stopped earlier under a key of its own, since
 * it may be started again and then completes. The record is sealed with it.
 */
export function writeReport(services: Services): SealActivities['writeReport'] {
  const { renderHtml = renderReportHtml } = services;
  return ({ campaign, state, ledger, revision }) =>
    asActivity(services.heartbeatIntervalMs, async () => {
      const { store } = services;
      const { campaignId } = campaign;
      const document = await collectReport(store, campaignId, state, ledger);
      const { sha256 } = hashBytes(Buffer.from(canonicalJson(document.report)));
      const key = state === 'completed' ? manifestKeys.report(campaignId, revision) : manifestKeys.partialReport(campaignId, state, sha256);
      await store.publish(key, {
        kind: 'report',
        files: {
          'document.json': await putJson(store, document),
          'report.json': await putJson(store, document.report),
          'candidates.csv': await store.put(Buffer.from(renderCandidatesCsv(document.candidates)), 'text/csv'),
          'report.html': await store.put(Buffer.from(await renderHtml(document)), 'text/html'),
        },
        lineage: { inputs: { campaign: campaign.input.sha256 }, codeVersion: document.lineage.codeVersion, settings: { state } },
      });
      await removeClaims(store, campaignId);
      if (state === 'completed') await removeCheckpoints(store, manifestKeys.allCheckpoints(campaignId));
      return { key, seal: await sealRecord(store, campaign, document.lineage.codeVersion) };
    });
}
