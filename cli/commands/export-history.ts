import type { Command } from 'commander';
import { exportCampaign } from '../../audit/export-campaign';
import { ServerSource } from '../../audit/history-source';
import { withCampaigns } from '../campaign-client';
import { withRecord } from '../campaign-record';
import { newCommand, runWith, type CommonFlags } from '../command';
import { writableDirectory } from '../directories';
import { nonEmpty } from '../flags';
import { withHistoryProgress } from '../history-progress';
import { checkCampaignId } from '../start-campaign';

interface ExportHistoryFlags extends CommonFlags {
  readonly out: string;
  readonly artifacts?: true;
}

/** `seal export-history`: every history of a campaign's tree with its record, for an audit elsewhere. */
export function exportHistoryCommand(): Command {
  const command = newCommand('export-history', 'write every history of a campaign and its manifests to a directory that "seal audit --from" reads offline')
    .argument('<id>', 'campaign id')
    .requiredOption('--out <dir>', 'a new or empty directory, or an earlier export of the campaign, which is brought up to date', nonEmpty('--out', 'a directory'))
    .option('--artifacts', 'all artifacts too (adapters, answers, data): then nothing is left unchecked');
  return runWith<ExportHistoryFlags>(command, async ({ out, artifacts }, output, [id = '']) => {
    const campaignId = checkCampaignId(id, 'campaign id');
    writableDirectory('--out', out);
    const result = await withHistoryProgress('export', output, (progress) =>
      withRecord(campaignId, (store) =>
        withCampaigns((campaigns) => {
          const server = new ServerSource(campaigns.histories(), () => campaigns.runs(campaignId));
          return exportCampaign({ campaignId, store, server, directory: out, withArtifacts: artifacts === true, progress });
        }),
      ),
    );
    const { histories, manifests, artifacts: copied, problems } = result;
    for (const problem of problems) output.log(problem);
    output.result(result, () => `${histories} histories, ${manifests} manifests and ${copied} artifacts in ${out}${problems.length === 0 ? '' : `; ${problems.length} problems`}`);
  });
}
