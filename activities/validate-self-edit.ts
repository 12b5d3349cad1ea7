import { manifestKeys } from '../record/keys';
import type { SealActivities } from './activity-types';
import { resolveCandidate } from './candidates/candidate-groups';
import { publishCandidate } from './candidates/candidate-record';
import { toFailure } from './execution/failure';
import type { Services } from './services';

/**
 * Judges one self-edit. A rejected one gets its record here, with the reason and without a reward; it never raises an error.
 * Cheap enough for a local activity: no language model, at most one small document written.
 */
export function validateSelfEdit(services: Services): SealActivities['validateSelfEdit'] {
  return async ({ scope, position }) => {
    try {
      const candidate = await resolveCandidate(services, scope, position);
      if (candidate.training.accepted) return { accepted: true };
      const { reason } = candidate.training;
      const key = manifestKeys.candidate(scope.campaign.campaignId, scope.scope, candidate.contextId, candidate.candidate);
      await publishCandidate(services, key, scope, candidate, { status: 'rejected', reason });
      return { accepted: false, reason };
    } catch (error) {
      throw toFailure(error, false);
    }
  };
}
