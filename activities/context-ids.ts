import type { SealActivities } from './activity-types';
import { asActivity } from './execution/running-activity';
import type { Services } from './services';

/** The ids of contexts at places from..to-1 of a split. */
export function contextIds(services: Services): SealActivities['contextIds'] {
  return ({ campaign, split, from, to }) =>
    asActivity(services.heartbeatIntervalMs, async () => {
      const { contexts } = await services.campaigns.read(campaign);
      return contexts[split].slice(from, to).map(({ id }) => id);
    });
}
