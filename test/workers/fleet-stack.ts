import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CampaignClient } from '../../cli/campaign-client';
import { prepareCampaign } from '../../cli/prepare-campaign';
import { startCampaign } from '../../cli/start-campaign';
import { packageRoot } from '../../infra/stack/package-root';
import { startStack, stopStack } from '../../infra/stack/stack';
import type { WorkRecord } from '../../record/documents/work';
import { keyPrefixes } from '../../record/keys';
import type { ArtifactStore } from '../../storage/artifact-store';
import { openStoreFromEnvironment } from '../../storage/open-store';
import { writeTinyModel } from '../workflows/tiny-model';
import { WorkerProcess } from '../workflows/worker-process';

/** Manifests that may not depend on who computed what. */
const RESULTS = /\/(adapter|evaluation|proposals|selection|policy|candidate)\.json$/;

/** Servers in a directory of the test file's own, workers that share nothing but those servers, the tiny campaign. */
export class FleetStack {
  readonly home = mkdtempSync(join(tmpdir(), 'seal-fleet-'));
  temporalAddress = '';
  #servers: Record<string, string> = {};
  #campaigns: CampaignClient | null = null;
  #store: ArtifactStore | null = null;
  readonly #workers: WorkerProcess[] = [];

  async start(): Promise<void> {
    const fixture = join(packageRoot(), 'test', 'fixtures', 'kill');
    for (const name of ['campaign.yaml', 'world.yaml']) copyFileSync(join(fixture, name), join(this.home, name));
    writeTinyModel(join(this.home, 'model'), 5);
    const { temporal, s3 } = await startStack({ home: this.home, ports: { temporal: 0, ui: null, s3: 0 }, worker: false });
    if (temporal === null || s3 === null) throw new Error('the servers were not started');
    const { accessKeyId, secretAccessKey } = JSON.parse(readFileSync(join(this.home, 's3-credentials.json'), 'utf8')) as Record<string, string>;
    this.temporalAddress = temporal.address;
    this.#servers = {
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_NAMESPACE: temporal.namespace,
      S3_ENDPOINT: s3.address,
      S3_BUCKET: s3.bucket,
      AWS_REGION: s3.region,
      AWS_ACCESS_KEY_ID: accessKeyId!,
      AWS_SECRET_ACCESS_KEY: secretAccessKey!,
    };
    this.#store = await openStoreFromEnvironment({ SEAL_HOME: this.home });
    await this.#asOperator(async () => {
      this.#campaigns = await CampaignClient.connect();
    });
  }

  get store(): ArtifactStore {
    if (this.#store === null) throw new Error('not started');
    return this.#store;
  }

  get campaigns(): CampaignClient {
    if (this.#campaigns === null) throw new Error('not started');
    return this.#campaigns;
  }

  /** A worker as on a machine of its own: with its own home and cache. @param directory that it runs in. @default that of this process */
  worker(machine: string, queues: string, env: Readonly<Record<string, string>> = {}, directory?: string): WorkerProcess {
    const own = { ...this.#servers, SEAL_HOME: join(this.home, machine), ...env };
    const worker = new WorkerProcess(own, this.#log, ['--queues', queues], directory);
    this.#workers.push(worker);
    return worker;
  }

  async startCampaign(campaignId: string, file = 'campaign.yaml'): Promise<void> {
    const prepared = await prepareCampaign(join(this.home, file));
    await this.#asOperator(() => startCampaign(this.campaigns, campaignId, prepared));
  }

  async result(campaignId: string): Promise<void> {
    try {
      await this.campaigns.result(campaignId);
    } catch (error) {
      throw new Error(`${campaignId}: ${String(error)}\n${readFileSync(this.#log, 'utf8').slice(-3000)}`, { cause: error });
    }
  }

  /** Every file that the campaign's results name, by hash. */
  async results(campaignId: string): Promise<Record<string, unknown>> {
    const prefix = `campaigns/${campaignId}/`;
    const keys = (await this.store.list(prefix)).filter((key) => RESULTS.test(key) && !key.includes('/work/'));
    const found = await Promise.all(
      keys.map(async (key) => {
        const { files } = await this.store.readManifest(key);
        return [key.slice(prefix.length), Object.entries(files).map(([name, { sha256 }]) => [name, sha256])] as const;
      }),
    );
    return Object.fromEntries(found);
  }

  /** Computations that ended well, whoever did them. */
  async work(campaignId: string): Promise<WorkRecord[]> {
    const keys = await this.store.list(keyPrefixes.work(campaignId));
    const records = await Promise.all(keys.map(async (key) => (await this.store.readManifest(key)).summary as unknown as WorkRecord));
    return records.filter(({ outcome }) => outcome === 'done');
  }

  async stop(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end('SIGKILL')));
    await this.#campaigns?.close();
    this.#store?.close();
    await stopStack({ home: this.home });
    rmSync(this.home, { recursive: true, force: true });
  }

  get #log(): string {
    return join(this.home, 'workers.log');
  }

  /** The command line finds servers by its environment. */
  async #asOperator(body: () => Promise<void>): Promise<void> {
    const before = { ...process.env };
    Object.assign(process.env, this.#servers);
    try {
      await body();
    } finally {
      process.env = before;
    }
  }
}
