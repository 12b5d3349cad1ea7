import { epochInVersion, type EpochVersion, type OperatorAction } from '../contracts/campaign';
import { keyPrefixes, manifestKeys } from '../record/keys';
import type { ArtifactStore } from '../storage/artifact-store';
import type { RevisionTask, SealActivities } from './activity-types';
import { asActivity } from './execution/running-activity';
import type { Services } from './services';
import { readAll } from './stored/bounded-reads';

/** What a `retry-failed` has changed, as its manifest says. */
export type RevisionRecord = Omit<RevisionTask, 'campaign' | 'action'> & OperatorAction;

/** Publishes what a `retry-failed` has changed: from now on these versions of the campaign's epochs count. */
export function recordRevision(services: Services): SealActivities['recordRevision'] {
  return ({ campaign, action, ...revision }) =>
    asActivity(services.heartbeatIntervalMs, async () => {
      const { input } = await services.campaigns.read(campaign);
      const record: RevisionRecord = { ...revision, by: action.by, why: action.why };
      await services.store.publish(manifestKeys.revision(input.campaignId, revision.revision), {
        kind: 'revision',
        files: {},
        lineage: { inputs: { campaign: campaign.input.sha256 }, codeVersion: input.codeVersion, settings: {} },
        summary: { ...record },
      });
    });
}

/** Which versions of a campaign's epochs and methods count. */
export class CurrentVersions {
  /** Oldest first. */
  readonly revisions: readonly RevisionRecord[];

  constructor(revisions: readonly RevisionRecord[]) {
    this.revisions = revisions;
  }

  static async read(store: ArtifactStore, campaignId: string): Promise<CurrentVersions> {
    const keys = await store.list(keyPrefixes.revisions(campaignId));
    const records = await readAll(keys, async (key) => (await store.readManifest(key)).summary as unknown as RevisionRecord);
    return new CurrentVersions(records.sort((a, b) => a.revision - b.revision));
  }

  ofEpoch(epoch: number): EpochVersion {
    return this.revisions.at(-1)?.versions.find((one) => one.epoch === epoch) ?? epochInVersion(epoch);
  }

  /** Of a method's evaluation: that of its policy; baselines have one. */
  ofMethod(method: string): number {
    const epoch = /^seal-epoch-(\d+)$/.exec(method)?.[1];
    return epoch === undefined ? 1 : this.ofEpoch(Number(epoch)).policy;
  }
}
