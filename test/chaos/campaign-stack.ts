import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { type Committed, committedBy } from '../../chaos/committed';
import { prepareCampaign } from '../../cli/prepare-campaign';
import { type CampaignInput, ORCHESTRATION_QUEUE, workflowIds } from '../../campaign/campaign';
import { packageRoot } from '../../infra/stack/package-root';
import { startStack, stopStack } from '../../infra/stack/stack';
import type { StackStatus } from '../../infra/stack/stack-status';
import { heldOutFile, trainFile } from '../../record/documents/campaign';
import type { ArtifactStore } from '../../storage/artifact-store';
import { openStoreFromEnvironment } from '../../storage/open-store';
import type { campaignWorkflow } from '../../workflows/campaign';
import { FAST_TIMINGS } from '../workflows/campaign-input';
import { writeTinyModel } from '../workflows/tiny-model';
import { WorkerProcess } from '../workflows/worker-process';

/** Writes a campaign of a random model of some thousand parameters. @returns its file */
export function writeTinyCampaign(directory: string): string {
  const fixture = join(packageRoot(), 'test', 'fixtures', 'kill');
  for (const name of ['campaign.yaml', 'world.yaml']) copyFileSync(join(fixture, name), join(directory, name));
  writeTinyModel(join(directory, 'model'), 5);
  return join(directory, 'campaign.yaml');
}

/** Real servers in a directory of the test file's own, and real workers in processes of their own; all gone with the file. */
export class CampaignStack {
  readonly #workers: WorkerProcess[] = [];

  private constructor(
    readonly home: string,
    readonly status: StackStatus,
    readonly store: ArtifactStore,
    readonly client: Client,
  ) {}

  /** @param prepare may change the new home before anything is started in it */
  static async start(name: string, prepare: (home: string) => void = () => undefined): Promise<CampaignStack> {
    const home = mkdtempSync(join(tmpdir(), `seal-${name}-`));
    writeTinyCampaign(home);
    prepare(home);
    const status = await startStack({ home, ports: { temporal: 0, ui: null, s3: 0 }, worker: false });
    if (status.temporal === null) throw new Error('no Temporal server was started');
    const store = await openStoreFromEnvironment({ SEAL_HOME: home });
    const connection = await Connection.connect({ address: status.temporal.address });
    return new CampaignStack(home, status, store, new Client({ connection, namespace: status.temporal.namespace }));
  }

  get temporalAddress(): string {
    return this.status.temporal!.address;
  }

  get s3Endpoint(): string {
    return this.status.s3!.address;
  }

  get workerLog(): string {
    return join(this.home, 'worker.log');
  }

  /** @param env beyond what a worker of this stack needs */
  startWorker(env: Readonly<Record<string, string>> = {}): WorkerProcess {
    const environment = { TEMPORAL_ADDRESS: this.temporalAddress, TEMPORAL_NAMESPACE: this.status.temporal!.namespace, SEAL_HOME: this.home, ...env };
    const worker = new WorkerProcess(environment, this.workerLog);
    this.#workers.push(worker);
    return worker;
  }

  /** What a worker needs to find the store at another address, such as a proxy's. */
  storeAt(endpoint: string): Readonly<Record<string, string>> {
    const { accessKeyId, secretAccessKey } = JSON.parse(readFileSync(join(this.home, 's3-credentials.json'), 'utf8')) as Record<string, string>;
    return { S3_ENDPOINT: endpoint, S3_BUCKET: this.status.s3!.bucket, AWS_ACCESS_KEY_ID: accessKeyId!, AWS_SECRET_ACCESS_KEY: secretAccessKey! };
  }

  /** Starts the tiny campaign; `ended` rejects with the end of the workers' log. */
  async startCampaign(campaignId: string): Promise<{ readonly input: CampaignInput; readonly trainIds: readonly string[]; readonly ended: Promise<unknown> }> {
    const { spec, specSha256, model, contexts } = await prepareCampaign(join(this.home, 'campaign.yaml'));
    const input: CampaignInput = {
      campaignId,
      spec,
      specSha256,
      codeVersion: 'test',
      model,
      train: await trainFile.put(this.store, contexts.train.map(({ task }) => task)),
      heldOut: await heldOutFile.put(this.store, contexts.heldOut.map(({ task }) => task)),
      contexts: { train: contexts.train.length, heldOut: contexts.heldOut.length },
      timings: { ...FAST_TIMINGS, retryMaximumMs: 2_000, bookkeepingMs: 60_000 },
    };
    const handle = await this.client.workflow.start<typeof campaignWorkflow>('campaignWorkflow', {
      workflowId: workflowIds.campaign(campaignId),
      taskQueue: ORCHESTRATION_QUEUE,
      args: [input],
    });
    const ended = handle.result().catch((error: unknown) => {
      throw new Error(`${campaignId}: ${String(error)}\n${readFileSync(this.workerLog, 'utf8').slice(-3000)}`);
    });
    return { input, trainIds: contexts.train.map(({ id }) => id), ended };
  }

  committed(campaignId: string): Promise<Committed> {
    return committedBy(this.store, campaignId);
  }

  /** Candidates of the first epoch that are scored or rejected. */
  async recordsOf(campaignId: string): Promise<number> {
    return (await this.store.list(`campaigns/${campaignId}/epoch-1/`)).filter((key) => key.endsWith('/candidate.json')).length;
  }

  /** @param beforeRemoval frees the home of what keeps it from being removed */
  async stop(beforeRemoval: () => void = () => undefined): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.end('SIGKILL')));
    await this.client.connection.close();
    this.store.close();
    await stopStack({ home: this.home });
    beforeRemoval();
    rmSync(this.home, { recursive: true, force: true });
  }
}
