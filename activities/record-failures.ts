import { readAll } from '../record/bounded-reads';
import { failedCandidateDocument } from '../record/documents/candidates';
import { manifestKeys } from '../record/keys';
import { placeOf } from '../seal/algorithm/plan';
import type { SealActivities } from './activity-types';
import { asActivity } from './execution/running-activity';
import type { Services } from './services';
import { contextAt } from './stored/campaign-data';

/** Records candidates that failed, under the keys of this pass: another pass may score them, or fail otherwise. */
export function recordFailures(services: Services): SealActivities['recordFailures'] {
  return ({ scope, failed, pass }) =>
    asActivity(services.heartbeatIntervalMs, async () => {
      const data = await services.campaigns.read(scope.campaign);
      await readAll(failed, async ({ position, reason, failure }) => {
        const { context, candidate } = placeOf(position, scope.perContext);
        const { id } = contextAt(data, scope.split, context);
        await failedCandidateDocument.publish(services.store, manifestKeys.failedCandidate(scope.campaign.campaignId, scope.scope, id, candidate, pass), {
          files: {},
          lineage: {
            inputs: scope.rows.kind === 'proposals' ? { proposals: scope.rows.proposals.sha256 } : {},
            codeVersion: data.input.codeVersion,
            settings: { contextId: id, candidate },
          },
          summary: { status: 'failed', reason, failure },
        });
      });
    });
}
