import { revisionDocument } from '../record/documents/operators';
import { manifestKeys } from '../record/keys';
import type { SealActivities } from './activity-types';
import { asActivity } from './execution/running-activity';
import type { Services } from './services';

/** Publishes what a `retry-failed` has changed: from now on these versions of the campaign's epochs count. */
export function recordRevision(services: Services): SealActivities['recordRevision'] {
  return ({ campaign, action, ...revision }) =>
    asActivity(services.heartbeatIntervalMs, async () => {
      const { input } = await services.campaigns.read(campaign);
      await revisionDocument.publish(services.store, manifestKeys.revision(input.campaignId, revision.revision), {
        files: {},
        lineage: { inputs: { campaign: campaign.input.sha256 }, codeVersion: input.codeVersion, settings: {} },
        summary: { ...revision, by: action.by, why: action.why },
      });
    });
}
