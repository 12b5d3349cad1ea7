import { existsSync } from 'node:fs';
import { BadInputError } from '../campaign/errors';
import type { Domains } from '../seal/domains/registry';
import { ContentAddressedStore } from '../storage/content-addressed-store';
import { DirectoryObjectClient } from '../storage/directory-client';
import { auditCampaign, type AuditResult } from './audit-campaign';
import type { HistoryProgress, Replaying } from './check-histories';
import { ExportedHistories, exportPaths, readAbout, readIndex } from './export-layout';
import { ArchivedHistories, FirstOf } from './history-source';

/** Audits an export: no server, no store, only its directory. @throws BadInputError for a directory that is no whole export of the campaign */
export async function auditExport(campaignId: string, directory: string, domains: Domains, replaying: Replaying, progress?: HistoryProgress): Promise<AuditResult> {
  const about = await readAbout('--from', directory);
  if (about.campaignId !== campaignId) {
    throw new BadInputError({ where: `--from ${directory}`, expected: `an export of ${campaignId}`, got: `one of ${about.campaignId}` });
  }
  if (about.unfinished === true) {
    const expected = `a whole export of ${campaignId}: "seal export-history ${campaignId} --out ${directory}" completes it`;
    throw new BadInputError({ where: `--from ${directory}`, expected, got: 'one whose writing was cut short, or goes on' });
  }
  if (!existsSync(exportPaths.objects(directory))) throw new BadInputError({ where: exportPaths.objects(directory), expected: 'the manifests of the export', got: 'no such directory' });
  const index = await readIndex(directory, campaignId);
  return auditCampaign({
    campaignId,
    store: new ContentAddressedStore(new DirectoryObjectClient(exportPaths.objects(directory))),
    hasArtifacts: about.artifacts,
    domains,
    histories: (record) => {
      const archive = new ArchivedHistories(record);
      const exported = new ExportedHistories(directory, index, (run) => archive.sha256Of(run));
      // Its find never falls through to the archive: an archived history that is not in the export is a break.
      return new FirstOf([exported, archive]);
    },
    replaying,
    ...(progress === undefined ? {} : { progress }),
  });
}
