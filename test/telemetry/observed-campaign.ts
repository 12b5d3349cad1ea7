import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CampaignClient } from '../../cli/campaign-client';
import { prepareCampaign } from '../../cli/prepare-campaign';
import { startCampaign } from '../../cli/start-campaign';
import { packageRoot } from '../../infra/stack/package-root';
import { freePort } from '../../infra/stack/ports';
import { startStack, stopStack } from '../../infra/stack/stack';
import { parseLogLine, type ParsedLogLine } from '../../telemetry/log-line';
import { writeTinyModel } from '../workflows/tiny-model';
import { WorkerProcess } from '../workflows/worker-process';

/** A stack of the test's own and a real worker that lets itself be looked at. */
export class ObservedStack {
  readonly home = mkdtempSync(join(tmpdir(), 'seal-observed-'));
  metrics = '';
  health = '';
  environment: Record<string, string> = {};
  worker: WorkerProcess | undefined;

  /** @param env of the worker, beside what every one has */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const fixture = join(packageRoot(), 'test', 'fixtures', 'observed');
    for (const name of ['campaign.yaml', 'world.yaml']) copyFileSync(join(fixture, name), join(this.home, name));
    writeTinyModel(join(this.home, 'model'), 5);
    const { temporal } = await startStack({ home: this.home, ports: { temporal: 0, ui: null, s3: 0 }, worker: false });
    if (temporal === null) throw new Error('no Temporal server was started');
    this.metrics = `127.0.0.1:${await freePort(0)}`;
    this.health = `127.0.0.1:${await freePort(0)}`;
    this.environment = { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace, SEAL_HOME: this.home };
    this.worker = new WorkerProcess({ ...this.environment, SEAL_METRICS_ADDRESS: this.metrics, SEAL_HEALTH_ADDRESS: this.health, ...env }, this.logFile);
  }

  get logFile(): string {
    return join(this.home, 'worker.log');
  }

  /** Starts the campaign as `seal start` does, and waits for its end. */
  async runCampaign(campaignId: string): Promise<void> {
    const previous = { ...process.env };
    Object.assign(process.env, this.environment);
    try {
      const campaigns = await CampaignClient.connect();
      try {
        await startCampaign(campaigns, campaignId, await prepareCampaign(join(this.home, 'campaign.yaml')));
        await campaigns.result(campaignId);
      } catch (error) {
        throw new Error(`${campaignId}: ${String(error)}\n${readFileSync(this.logFile, 'utf8').slice(-3000)}`, { cause: error });
      } finally {
        await campaigns.close();
      }
    } finally {
      process.env = previous;
    }
  }

  /** @throws where a line is none of ours */
  logLines(): ParsedLogLine[] {
    const lines = readFileSync(this.logFile, 'utf8').split('\n').filter((line) => line !== '');
    return lines.map((line) => {
      const parsed = parseLogLine(line);
      if (parsed === null) throw new Error(`not a line of JSON: ${line}`);
      return parsed;
    });
  }

  async stop(): Promise<void> {
    await this.worker?.end('SIGKILL');
    await stopStack({ home: this.home });
    rmSync(this.home, { recursive: true, force: true });
  }
}
