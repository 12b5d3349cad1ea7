import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createActivities } from '../../activities';
import { auditCampaign, type AuditResult } from '../../audit/audit-campaign';
import type { CampaignRecord } from '../../audit/campaign-record';
import type { Replaying } from '../../audit/check-histories';
import { ArchivedHistories, FirstOf, type HistorySource, ServerSource } from '../../audit/history-source';
import { type CampaignInput, workflowIds } from '../../campaign/campaign';
import { heldOutFile, trainFile } from '../../record/documents/campaign';
import { keyPrefixes, manifestKeys } from '../../record/keys';
import { pauseUpdate, resumeUpdate } from '../../workflows/messages';
import { DOMAINS, type Domains } from '../../seal/domains/registry';
import type { ArtifactStore } from '../../storage/artifact-store';
import { ContentAddressedStore } from '../../storage/content-addressed-store';
import { hashBytes } from '../../storage/content-hash';
import { MemoryObjectClient } from '../../storage/memory-store';
import { ServerHistories } from '../../workers/history-reader';
import { ServerWorkflows } from '../../workers/server-workflows';
import { workflowBundle } from '../../workers/workflow-bundle';
import { ActivityFixture } from '../activities/activity-fixture';
import { fakeLanguageModel } from '../activities/fake-language-model';
import { TemporalFixture } from '../workflows/temporal-fixture';
import { FAST_TIMINGS } from '../workflows/campaign-input';

export const CAMPAIGN = 'audited';

export interface OtherDomain {
  readonly domains: Domains;
  readonly train: readonly unknown[];
  readonly heldOut: readonly unknown[];
}

async function storedTasks(store: ArtifactStore, { train, heldOut }: OtherDomain): Promise<Pick<CampaignInput, 'train' | 'heldOut' | 'contexts'>> {
  return { train: await trainFile.put(store, train), heldOut: await heldOutFile.put(store, heldOut), contexts: { train: train.length, heldOut: heldOut.length } };
}

/** A finished campaign on a real Temporal server, its computations faked, its record in memory: made once, altered in copies. */
export class RecordedCampaign {
  readonly temporal: TemporalFixture;
  readonly objects: MemoryObjectClient;
  readonly server: HistorySource;
  readonly replaying: Replaying;
  readonly #domains: Domains;
  readonly #fixture: ActivityFixture;
  readonly #directory: string;

  private constructor(made: { temporal: TemporalFixture; objects: MemoryObjectClient; server: HistorySource; replaying: Replaying; domains: Domains; fixture: ActivityFixture; directory: string }) {
    ({ temporal: this.temporal, objects: this.objects, server: this.server, replaying: this.replaying } = made);
    this.#domains = made.domains;
    this.#fixture = made.fixture;
    this.#directory = made.directory;
  }

  /**
   * @param spec of the campaign, beside the fixture's
   * @param eventsPerRun so few that its workflows go on in new runs. @default one run each
   * @param codeVersion of the code that computes. @default that of the campaign's start
   * @param diverging seeds of fine-tunes that diverge. @default none
   * @param other a domain and its tasks. @default the fixture's passages
   */
  static async run({ spec = {}, eventsPerRun, codeVersion, diverging = [], other }: { readonly spec?: Record<string, unknown>; readonly eventsPerRun?: number; readonly codeVersion?: string; readonly diverging?: readonly number[]; readonly other?: OtherDomain } = {}): Promise<RecordedCampaign> {
    const temporal = await TemporalFixture.start();
    const directory = mkdtempSync(join(tmpdir(), 'seal-audited-'));
    const objects = new MemoryObjectClient();
    const fixture = new ActivityFixture(new ContentAddressedStore(objects));
    const histories = new ServerHistories(temporal.environment.client);
    const { model, controls } = fakeLanguageModel();
    diverging.forEach((seed) => controls.diverging.add(seed));
    const activities = createActivities({
      model,
      store: fixture.store,
      cacheDirectory: join(directory, 'cache'),
      renderHtml: () => Promise.resolve('<html>'),
      heartbeatIntervalMs: 200,
      ...(codeVersion !== undefined && { codeVersion }),
      histories,
      ...(other && { domains: other.domains }),
      workflows: new ServerWorkflows(temporal.environment.client),
    });
    const passages = await fixture.input(CAMPAIGN, { evaluation: { baselines: ['base', 'passage-only'] }, ...spec });
    const input = other === undefined ? passages : { ...passages, ...(await storedTasks(fixture.store, other)) };
    const runId = await temporal.withActivities(activities, async () => {
      const handle = await temporal.start({ ...input, timings: { ...FAST_TIMINGS, ...(eventsPerRun === undefined ? {} : { eventsPerRun }) } });
      await handle.executeUpdate(pauseUpdate, { args: [{ by: 'anna', why: 'the room is needed' }] });
      await handle.executeUpdate(resumeUpdate, { args: [{ by: 'anna', why: 'the room is free' }] });
      await handle.result();
      const { runId: last } = await temporal.environment.client.workflow.getHandle(CAMPAIGN).describe();
      await temporal.environment.client.workflow.getHandle(workflowIds.archive(CAMPAIGN, last)).result();
      return last;
    });
    const server = new ServerSource(histories, () => Promise.resolve([{ workflowId: CAMPAIGN, runId }]));
    const replaying = { workflowBundle: await workflowBundle(directory), codecs: [] };
    return new RecordedCampaign({ temporal, objects, server, replaying, domains: other?.domains ?? DOMAINS, fixture, directory });
  }

  /** The record in a store of its own. */
  async copy(): Promise<MemoryObjectClient> {
    const copy = new MemoryObjectClient();
    for (const { key } of await this.objects.list('')) await write(copy, key, await bytesOf(this.objects, key));
    return copy;
  }

  /** A record that has only begun when it is read, and is whole when the first history is asked for, as of a campaign that runs. */
  async unfolding(): Promise<{ readonly objects: MemoryObjectClient; readonly server: HistorySource }> {
    const [objects, whole] = [await this.copy(), await this.copy()];
    for (const { key } of await objects.list(keyPrefixes.record(CAMPAIGN))) if (key !== manifestKeys.campaign(CAMPAIGN)) await objects.remove(key);
    let unfolded: Promise<void> | undefined;
    const unfold = async (): Promise<void> => {
      for (const { key } of await whole.list(keyPrefixes.record(CAMPAIGN))) await write(objects, key, await bytesOf(whole, key));
    };
    const server: HistorySource = {
      known: () => this.server.known(),
      wasGone: () => false,
      find: async (run) => {
        await (unfolded ??= unfold());
        return this.server.find(run);
      },
    };
    return { objects, server };
  }

  /** @param histories @default the archive, then the server */
  audit(
    objects: MemoryObjectClient,
    histories: (record: CampaignRecord) => HistorySource = (record) => new FirstOf([new ArchivedHistories(record), this.server]),
    replaying: Replaying = this.replaying,
  ): Promise<AuditResult> {
    return auditCampaign({
      campaignId: CAMPAIGN,
      store: new ContentAddressedStore(objects),
      hasArtifacts: true,
      domains: this.#domains,
      histories,
      replaying,
    });
  }

  /** Without histories: what the record alone tells, in a fraction of the time. */
  auditRecord(objects: MemoryObjectClient): Promise<AuditResult> {
    return this.audit(objects, () => ({ known: () => Promise.resolve([]), find: () => Promise.resolve(null), wasGone: () => true }));
  }

  async stop(): Promise<void> {
    await this.temporal.stop();
    this.#fixture.remove();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

export async function bytesOf(objects: MemoryObjectClient, key: string): Promise<Buffer> {
  const chunks = await objects.read(key);
  if (chunks === null) throw new Error(`no ${key}`);
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

export async function write(objects: MemoryObjectClient, key: string, bytes: Uint8Array): Promise<void> {
  await objects.write(key, bytes, { ...hashBytes(bytes), mediaType: '', ifAbsent: false });
}

/** Changes one bit of the byte at `place`, by default the middle one. */
export async function flipByte(objects: MemoryObjectClient, key: string, place?: number): Promise<void> {
  const bytes = await bytesOf(objects, key);
  const at = place ?? Math.floor(bytes.length / 2);
  bytes[at] = bytes[at]! ^ 1;
  await write(objects, key, bytes);
}
