import { epochInVersion } from '../campaign/campaign';
import { readAll } from '../record/bounded-reads';
import { selectionDocument, selectionFile } from '../record/documents/epochs';
import { CurrentVersions, revisionDocument } from '../record/documents/operators';
import { manifestKeys } from '../record/keys';
import { numbersIn } from '../seal/algorithm/plan';
import { isTied } from '../seal/report-data';
import type { SealActivities, Superseded } from './activity-types';
import { asActivity } from './execution/running-activity';
import { retryableOf } from './select-self-edits';
import type { Services } from './services';

/** Publishes what a `retry-failed` has changed: from now on these versions of the campaign's epochs count. @returns what is superseded */
export function recordRevision(services: Services): SealActivities['recordRevision'] {
  return ({ campaign, action, revision, retried, changed, finished }) =>
    asActivity(services.heartbeatIntervalMs, async () => {
      const { store } = services;
      const { input } = await services.campaigns.read(campaign);
      const { revisions } = await CurrentVersions.read(store, input.campaignId);
      // An earlier attempt may have published it.
      const before = new CurrentVersions(revisions.filter((one) => one.revision < revision));
      const stale = changed ? numbersIn({ from: retried.epoch + 1, to: finished + 1 }) : [];
      const versionsOf = (epoch: number) => {
        if (epoch < retried.epoch) return before.ofEpoch(epoch);
        if (epoch > retried.epoch) return changed || epoch > finished ? epochInVersion(epoch, revision + 1) : before.ofEpoch(epoch);
        const { candidates, policy } = before.ofEpoch(epoch);
        return { epoch, candidates, selection: revision + 1, policy: changed ? revision + 1 : policy };
      };
      const versions = numbersIn({ from: 1, to: input.spec.epochs + 1 }).map(versionsOf);
      await revisionDocument.publish(store, manifestKeys.revision(input.campaignId, revision), {
        files: {},
        lineage: { inputs: { campaign: campaign.input.sha256 }, codeVersion: input.codeVersion, settings: {} },
        summary: { revision, retried, changed, versions, stale, by: action.by, why: action.why },
      });
      return superseded(services, input.campaignId, stale.map((epoch) => before.ofEpoch(epoch)));
    });
}

async function superseded({ store }: Services, campaignId: string, stale: readonly { readonly epoch: number; readonly selection: number }[]): Promise<Superseded> {
  const epochs = await readAll(stale, async ({ epoch, selection }) => {
    const recorded = await selectionDocument.read(store, manifestKeys.selection(campaignId, epoch, selection));
    return { ...recorded.summary, retryable: retryableOf(await selectionFile.read(store, recorded)), isTied: isTied(recorded.summary) };
  });
  const sum = (count: (epoch: (typeof epochs)[number]) => number): number => epochs.reduce((total, epoch) => total + count(epoch), 0);
  return {
    proposed: sum(({ proposed }) => proposed),
    failed: sum(({ failed }) => failed),
    rejected: sum(({ rejected }) => rejected),
    retryable: sum(({ retryable }) => retryable),
    tied: sum((epoch) => Number(epoch.isTied)),
  };
}
