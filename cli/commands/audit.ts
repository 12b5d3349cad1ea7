import type { Command } from 'commander';
import { auditCampaign, type AuditResult } from '../../audit/audit-campaign';
import { auditExport } from '../../audit/audit-export';
import type { HistoryProgress } from '../../audit/check-histories';
import { ArchivedHistories, FirstOf, ServerSource } from '../../audit/history-source';
import { DOMAINS } from '../../seal/domains/registry';
import { AuditBreakError } from '../audit-break-error';
import { withCampaigns } from '../campaign-client';
import { withRecord } from '../campaign-record';
import { newCommand, runWith, type CommonFlags } from '../command';
import { existingDirectory } from '../directories';
import { nonEmpty } from '../flags';
import { withHistoryProgress } from '../history-progress';
import { withReplaying } from '../replaying';
import { checkCampaignId } from '../start-campaign';

interface AuditFlags extends CommonFlags {
  readonly from?: string;
}

/** `seal audit`: verifies a campaign's record, here or from an export. */
export function auditCommand(): Command {
  const command = newCommand('audit', 'verify every artifact, lineage, reward, selection, score and history of a campaign; exit 1 where something is not as recorded')
    .argument('<id>', 'campaign id')
    .option('--from <dir>', 'an export of it (seal export-history), offline', nonEmpty('--from', 'a directory'));
  return runWith<AuditFlags>(command, async ({ from }, output, [id = '']) => {
    const campaignId = checkCampaignId(id, 'campaign id');
    const result = await withHistoryProgress('audit', output, (progress) =>
      from === undefined ? auditHere(campaignId, progress) : auditThere(campaignId, existingDirectory('--from', from), progress),
    );
    if (result.breaks.length === 0) return output.result(result, () => summary(result));
    if (!output.json) output.result(result, () => summary(result));
    throw new AuditBreakError(result);
  });
}

function auditHere(campaignId: string, progress: HistoryProgress): Promise<AuditResult> {
  return withRecord(campaignId, (store) =>
    withCampaigns((campaigns) =>
      withReplaying((replaying) => {
        const server = new ServerSource(campaigns.histories(), () => campaigns.runs(campaignId));
        const histories = (record: ConstructorParameters<typeof ArchivedHistories>[0]) => new FirstOf([new ArchivedHistories(record), server]);
        return auditCampaign({ campaignId, store, hasArtifacts: true, domains: DOMAINS, histories, replaying, progress });
      }),
    ),
  );
}

function auditThere(campaignId: string, directory: string, progress: HistoryProgress): Promise<AuditResult> {
  return withReplaying((replaying) => auditExport(campaignId, directory, DOMAINS, replaying, progress));
}

function summary({ campaignId, artifacts, manifests, histories, otherCode, breaks, actions, unchecked }: AuditResult): string {
  return [
    `${campaignId}: ${artifacts} artifacts, ${manifests} manifests, ${histories} histories`,
    ...otherCode.map(({ version, manifests: results }) => `computed by other code, after an upgrade: ${results} results by ${version}`),
    ...actions.map(({ at, update, by, why }) => `action ${at.slice(0, 19).replace('T', ' ')} ${update} by ${by}: ${why}`),
    ...unchecked.map((what) => `not checked: ${what}`),
    ...breaks.map(({ kind, what, expected, got }) => `BREAK ${kind}: ${what}: expected ${expected}, got ${got}`),
    ...(breaks.length === 0 ? ['everything that was checked is as recorded'] : []),
  ].join('\n');
}
