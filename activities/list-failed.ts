import { canBeRetried } from '../campaign/failures';
import { readAll } from '../record/bounded-reads';
import { numbersIn, placeOf } from '../seal/algorithm/plan';
import type { SealActivities } from './activity-types';
import { endedCandidates, readEnd } from '../record/candidate-outcomes';
import { asActivity } from './execution/running-activity';
import type { Services } from './services';
import { contextAt } from './stored/campaign-data';

/** Positions of an answer: a workflow carries no more of them than a window or two. */
const POSITIONS_A_PAGE = 500;

/** Failed candidates that another attempt may help, a page at a time, in planned order. */
export function listFailed(services: Services): SealActivities['listFailed'] {
  return ({ campaign, scope, perContext, from }) =>
    asActivity(services.heartbeatIntervalMs, async () => {
      const { store } = services;
      const data = await services.campaigns.read(campaign);
      const ended = await endedCandidates(store, campaign.campaignId, scope);
      const count = data.contexts.train.length * perContext;
      const positions = numbersIn({ from, to: count }).flatMap((position) => {
        const { context, candidate } = placeOf(position, perContext);
        const record = ended.get(`${contextAt(data, 'train', context).id}/c${candidate}`);
        return record === undefined ? [] : [{ position, record }];
      });
      const ends = await readAll(positions, async ({ position, record }) => ({ position, end: await readEnd(store, record) }));
      const failed = ends.flatMap(({ position, end }) => (end.status === 'failed' && canBeRetried(end.failure) ? [position] : []));
      const page = failed.slice(0, POSITIONS_A_PAGE);
      return { positions: page, next: failed.length > page.length ? page.at(-1)! + 1 : null };
    });
}
