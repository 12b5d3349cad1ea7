import { scopes } from '../contracts/campaign';
import { manifestKeys } from '../record/keys';
import type { SealActivities } from './activity-types';
import { PROPOSALS_FILE } from './collect-proposals';
import { asActivity } from './execution/running-activity';
import type { Services } from './services';
import { contextRefs } from './stored/campaign-data';
import { fileOf, getManifestJson } from './stored/stored-json';
import { SELECTION_FILE, type SelectionRecord } from './select-self-edits';

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
      const key = manifestKeys.selection(campaignId, versions.epoch, versions.selection);
      const selection = await getManifestJson<SelectionRecord>(store, key, await store.readManifest(key), SELECTION_FILE);
      const proposalsKey = manifestKeys.proposals(campaignId, scopes.epoch(versions.epoch, versions.candidates));
      return {
        proposals: fileOf(proposalsKey, await store.readManifest(proposalsKey), PROPOSALS_FILE),
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
