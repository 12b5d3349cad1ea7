import { scopes } from '../contracts/campaign';
import { selectionDocument, selectionFile } from '../record/documents/epochs';
import { proposalsDocument, proposalsFile } from '../record/documents/self-edits';
import { manifestKeys } from '../record/keys';
import type { SealActivities } from './activity-types';
import { asActivity } from './execution/running-activity';
import type { Services } from './services';
import { contextRefs } from './stored/campaign-data';

/** What an epoch's selection was made from, by position. */
export function readOutcomes(services: Services): SealActivities['readOutcomes'] {
  return ({ campaign, versions, perContext }) =>
    asActivity(services.heartbeatIntervalMs, async () => {
      const { campaignId } = campaign;
      const { store } = services;
      const data = await services.campaigns.read(campaign);
      const placeOf = new Map(contextRefs(data, 'train').map(({ id }, place) => [id, place]));
      const positionOf = ({ contextId, candidate }: { readonly contextId: string; readonly candidate: number }): number => {
        const place = placeOf.get(contextId);
        if (place === undefined) throw new RangeError(`epoch ${versions.epoch}: selection names a context ${contextId} that the campaign does not have`);
        return place * perContext + candidate - 1;
      };
      const selection = await selectionFile.read(store, await selectionDocument.read(store, manifestKeys.selection(campaignId, versions.epoch, versions.selection)));
      const proposals = await proposalsDocument.read(store, manifestKeys.proposals(campaignId, scopes.epoch(versions.epoch, versions.candidates)));
      return {
        proposals: proposalsFile.refIn(proposals),
        outcomes: selection.outcomes.map((outcome) => {
          const { status, reward, reason, failure } = outcome;
          return {
            position: positionOf(outcome),
            status,
            ...(reward === undefined ? {} : { reward }),
            ...(status === 'failed' && reason !== undefined ? { reason } : {}),
            ...(failure === undefined ? {} : { failure }),
          };
        }),
      };
    });
}
