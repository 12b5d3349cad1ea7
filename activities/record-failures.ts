import { manifestKeys } from '../contracts/campaign';
import type { FailureClass } from '../contracts/failures';
import { placeOf } from '../seal/algorithm/plan';
import type { SealActivities } from './activity-types';
import { toFailure } from './execution/failure';
import type { Services } from './services';
import { readAll } from './stored/bounded-reads';
import { contextAt } from './stored/campaign-data';

export const FAILED_KIND = 'failed-candidate';

/** Why a candidate has no reward, as its manifest says in short. */
export interface FailureRecord {
  readonly status: 'failed';
  readonly reason: string;
  readonly failure: FailureClass;
}

/** Records candidates that failed, under the keys of this pass: another pass may score them, or fail otherwise. */
export function recordFailures(services: Services): SealActivities['recordFailures'] {
  return async ({ scope, failed, pass }) => {
    try {
      const data = await services.campaigns.read(scope.campaign);
      await readAll(failed, async ({ position, reason, failure }) => {
        const { context, candidate } = placeOf(position, scope.perContext);
        const { id } = contextAt(data, scope.split, context);
        const record: FailureRecord = { status: 'failed', reason, failure };
        await services.store.publish(manifestKeys.failure(scope.campaign.campaignId, scope.scope, id, candidate, pass), {
          kind: FAILED_KIND,
          files: {},
          lineage: {
            inputs: scope.rows.kind === 'proposals' ? { proposals: scope.rows.proposals.sha256 } : {},
            codeVersion: data.input.codeVersion,
            settings: { contextId: id, candidate },
          },
          summary: { ...record },
        });
      });
    } catch (error) {
      throw toFailure(error, false);
    }
  };
}
