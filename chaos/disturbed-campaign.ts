import { setTimeout as sleep } from 'node:timers/promises';
import { CampaignClient } from '../cli/campaign-client';
import { mayPass } from '../cli/campaign-failures';
import type { PreparedCampaign } from '../cli/prepare-campaign';
import { startCampaign } from '../cli/start-campaign';
import { type CampaignState } from '../campaign/campaign';
import { ServerUnreachableError } from '../campaign/errors';
import { keyPrefixes, manifestKeys } from '../record/keys';
import { type TemporalSettings, temporalSettings } from '../settings/temporal';
import type { ArtifactStore } from '../storage/artifact-store';
import { openStoreFromEnvironment } from '../storage/open-store';

/** The same in every stack, so that manifests that name it are the same to the byte. */
export const CAMPAIGN_ID = 'chaos';

const POLL_MS = 200;
/** A lost worker is noticed after 20 s; a slow machine may take its time over a group of candidates. */
const PROGRESS_LIMIT_MS = 300_000;

/** A campaign in an embedded stack, seen from outside: through its store, and through Temporal where that answers. */
export class DisturbedCampaign {
  readonly #home: string;

  private constructor(home: string) {
    this.#home = home;
  }

  static async start(home: string, prepared: PreparedCampaign): Promise<DisturbedCampaign> {
    const campaign = new DisturbedCampaign(home);
    const campaigns = await CampaignClient.connect(campaign.temporal);
    try {
      await startCampaign(campaigns, CAMPAIGN_ID, prepared, { env: { SEAL_HOME: home } });
    } finally {
      await campaigns.close();
    }
    return campaign;
  }

  get temporal(): TemporalSettings {
    return temporalSettings({ SEAL_HOME: this.#home });
  }

  async withStore<Result>(body: (store: ArtifactStore) => Promise<Result>): Promise<Result> {
    const store = await openStoreFromEnvironment({ SEAL_HOME: this.#home });
    try {
      return await body(store);
    } finally {
      store.close();
    }
  }

  /** Keys of what the campaign has published; null while the store does not answer. */
  async published(): Promise<ReadonlySet<string> | null> {
    try {
      return new Set(await this.withStore((store) => store.list(keyPrefixes.record(CAMPAIGN_ID))));
    } catch (error) {
      if (!(error instanceof ServerUnreachableError)) throw error;
      return null;
    }
  }

  /** Whether nothing of it computes any more: its report is written, or it has ended without one. */
  async isDone(): Promise<boolean> {
    return reported(await this.published()) || (await this.#execution())?.closed === true;
  }

  /**
   * Waits until a piece of work is finished that was not before: a manifest appears.
   * @throws Error if none does for five minutes
   */
  async untilProgress(signal: AbortSignal): Promise<void> {
    const deadline = Date.now() + PROGRESS_LIMIT_MS;
    let before: ReadonlySet<string> | null = null;
    for (;;) {
      const keys = await this.published();
      before ??= keys;
      if (keys !== null && before !== null && [...keys].some((key) => !before!.has(key))) return;
      if (await this.isDone()) return;
      if (Date.now() > deadline) throw new Error(`the campaign made no progress for ${PROGRESS_LIMIT_MS / 1000} s`);
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  /** Waits until the workflow has closed. @throws Error if nothing of it goes on for five minutes */
  async untilClosed(signal: AbortSignal): Promise<CampaignState> {
    while (!(await this.isDone())) await this.untilProgress(signal);
    const deadline = Date.now() + PROGRESS_LIMIT_MS;
    for (;;) {
      const execution = await this.#execution();
      if (execution?.closed === true) return execution.state;
      if (Date.now() > deadline) throw new Error('the campaign has written its report and does not end');
      await sleep(POLL_MS, undefined, { signal });
    }
  }

  /** Null where the server does not answer at the moment. */
  async #execution() {
    let campaigns: CampaignClient | undefined;
    try {
      campaigns = await CampaignClient.connect(this.temporal);
      return await campaigns.find(CAMPAIGN_ID);
    } catch (error) {
      if (!(error instanceof ServerUnreachableError) && !mayPass(error)) throw error;
      return null;
    } finally {
      await campaigns?.close();
    }
  }
}

function reported(keys: ReadonlySet<string> | null): boolean {
  if (keys === null) return false;
  const { report, partialReport } = manifestKeys;
  return [...keys].some((key) => report.parse(key) !== null || partialReport.parse(key) !== null);
}
