import { selectionDocument, selectionFile } from '../record/documents/epochs';
import { CurrentVersions } from '../record/documents/operators';
import { manifestKeys } from '../record/keys';
import type { SealActivities } from './activity-types';
import { asActivity } from './execution/running-activity';
import { retryableOf } from './select-self-edits';
import type { Services } from './services';

/** The first epoch of a range, in the version that counts, with failed candidates that another attempt may help. */
export function findFailedEpoch(services: Services): SealActivities['findFailedEpoch'] {
  return ({ campaign: { campaignId }, from, to }) =>
    asActivity(services.heartbeatIntervalMs, async () => {
      const { store } = services;
      const current = await CurrentVersions.read(store, campaignId);
      for (let epoch = from; epoch <= to; epoch += 1) {
        const versions = current.ofEpoch(epoch);
        const recorded = await selectionDocument.read(store, manifestKeys.selection(campaignId, epoch, versions.selection));
        if (recorded.summary.failed === 0) continue;
        const retryable = retryableOf(await selectionFile.read(store, recorded));
        if (retryable > 0) return { versions, summary: recorded.summary, retryable, policyBefore: await policyAfter(services, campaignId, current, epoch - 1) };
      }
      return null;
    });
}

/** An epoch that kept nothing left the policy as it was. */
async function policyAfter({ store }: Services, campaignId: string, current: CurrentVersions, epoch: number): Promise<string | null> {
  for (let each = epoch; each >= 1; each -= 1) {
    const key = manifestKeys.policy(campaignId, each, current.ofEpoch(each).policy);
    if ((await store.findManifest(key)) !== null) return key;
  }
  return null;
}
