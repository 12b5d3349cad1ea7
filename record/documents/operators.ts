/** What operators changed: which versions count since a `retry-failed`, and who deleted a campaign. */
import { z } from 'zod';
import { epochInVersion, type EpochVersion } from '../../campaign/campaign';
import { epochOfMethod } from '../../seal/algorithm/stages';
import type { ArtifactStore } from '../../storage/artifact-store';
import { readAll } from '../bounded-reads';
import { DocumentType } from '../document-type';
import { list, positive, whole } from '../json-file';
import { keyPrefixes, manifestKeys } from '../keys';

const action = { by: z.string(), why: z.string() };

const revision = z.strictObject({
  revision: positive,
  ...action,
  /** The epoch whose failed candidates were tried again, and how many of them. */
  retried: z.strictObject({ epoch: positive, candidates: whole }),
  /** Whether selection keeps others since, so that the policy is another. */
  changed: z.boolean(),
  /** Of every epoch of the campaign, those that count from now on. */
  versions: list(z.strictObject({ epoch: positive, candidates: positive, selection: positive, policy: positive })),
  /** Epochs that were run again, since they had begun with a policy that counts no more. */
  stale: list(positive),
});
export type Revision = z.infer<typeof revision>;
/** An operator's `retry-failed` that tried candidates of an ended epoch again, as a report tells of it. */
export const reportedRevision = revision.omit({ versions: true });
export const revisionDocument = new DocumentType('revision', [manifestKeys.revision], [], revision);

/** Which versions of a campaign's epochs and methods count. */
export class CurrentVersions {
  /** Oldest first. */
  readonly revisions: readonly Revision[];

  constructor(revisions: readonly Revision[]) {
    this.revisions = revisions;
  }

  static async read(store: ArtifactStore, campaignId: string): Promise<CurrentVersions> {
    const keys = await store.list(keyPrefixes.revisions(campaignId));
    const records = await readAll(keys, async (key) => (await revisionDocument.read(store, key)).summary);
    return new CurrentVersions(records.sort((a, b) => a.revision - b.revision));
  }

  ofEpoch(epoch: number): EpochVersion {
    return this.revisions.at(-1)?.versions.find((one) => one.epoch === epoch) ?? epochInVersion(epoch);
  }

  /** Of a method's evaluation: that of its policy; baselines have one. */
  ofMethod(method: string): number {
    const epoch = epochOfMethod(method);
    return epoch === null ? 1 : this.ofEpoch(epoch).policy;
  }
}

/** `at`: ISO 8601, when the deletion began. */
export const deletionDocument = new DocumentType('tombstone', [manifestKeys.deletion, manifestKeys.tombstone], [], z.strictObject({ campaignId: z.string(), ...action, at: z.string() }));
