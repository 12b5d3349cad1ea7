import type { SealActivities } from './activity-types';
import { toFailure } from './execution/failure';
import type { Services } from './services';

/** The ids of contexts at places from..to-1 of a split, for a local activity: the contexts are in memory mostly. */
export function contextIds(services: Services): SealActivities['contextIds'] {
  return async ({ campaign, split, from, to }) => {
    try {
      const { contexts } = await services.campaigns.read(campaign);
      return contexts[split].slice(from, to).map(({ id }) => id);
    } catch (error) {
      throw toFailure(error, false);
    }
  };
}
