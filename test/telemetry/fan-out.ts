/**
 * `node dist/test/telemetry/fan-out.js CANDIDATES off|metrics|traces`: seconds, and this process's seconds of processor, of a campaign whose candidates do nothing, on a server and workers
 * of its own, with nothing to see of it, with metrics (scraped every second), or with traces as well. In the first case nothing is logged either.
 */
import { createServer } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, type WorkerOptions } from '@temporalio/worker';
import { ORCHESTRATION_QUEUE } from '../../campaign/campaign';
import { freePort } from '../../infra/stack/ports';
import { serverBinary } from '../../infra/stack/server-binaries';
import { tracingSettings } from '../../settings/telemetry';
import { installTelemetry } from '../../telemetry/worker-telemetry';
import { createSealWorkers, runWorkers } from '../../workers/seal-workers';
import { workflowBundle } from '../../workers/workflow-bundle';
import { searchKeys } from '../../workflows/record/search-attributes';
import { campaignInput } from '../workflows/campaign-input';
import { fakeActivities } from '../workflows/fake-activities';

const SIGHTS = ['off', 'metrics', 'traces'] as const;
type Sight = (typeof SIGHTS)[number];
const K = 2;

async function measure(candidates: number, sight: Sight): Promise<void> {
  const telemetry = await install(sight);
  const path = await serverBinary('temporal', () => undefined);
  const environment = await TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'existing-path', path }, searchAttributes: Object.values(searchKeys), extraArgs: ['--log-level', 'never'] },
  });
  const directory = mkdtempSync(join(tmpdir(), 'seal-fan-out-'));
  const workers = await createSealWorkers({
    connection: environment.nativeConnection,
    namespace: environment.namespace ?? 'default',
    queues: ['orchestration', 'bookkeeping', 'compute'],
    activities: fakeActivities().activities,
    workflowBundle: await workflowBundle(directory, { traced: sight === 'traces' }),
    telemetry,
  });
  let stop = (): void => undefined;
  const running = runWorkers(workers, new Promise<void>((resolve) => (stop = resolve)));
  const input = campaignInput('fan-out', { contexts: candidates / K, heldOut: 1, proposals: { k: K }, concurrency: { candidates: 50, group: 2 } });
  const started = performance.now();
  const before = process.cpuUsage();
  const handle = await environment.client.workflow.start('campaignWorkflow', { workflowId: 'fan-out', taskQueue: ORCHESTRATION_QUEUE, args: [input] });
  await handle.result();
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(before);
  stop();
  await running;
  await environment.teardown();
  rmSync(directory, { recursive: true, force: true });
  process.stdout.write(`${JSON.stringify({ sight, candidates, seconds, cpuSeconds: (user + system) / 1e6 })}\n`);
}

async function install(sight: Sight): Promise<Pick<WorkerOptions, 'interceptors' | 'sinks'>> {
  if (sight === 'off') {
    Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
    return {};
  }
  const metrics = { host: '127.0.0.1', port: await freePort(0) };
  setInterval(() => void fetch(`http://${metrics.host}:${metrics.port}/metrics`).then((response) => response.text()), 1000).unref();
  if (sight === 'traces') process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] = await collector();
  const { workerOptions } = await installTelemetry({ level: 'INFO', metrics, tracing: tracingSettings() });
  return workerOptions;
}

/** Takes all and looks at nothing. */
async function collector(): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const [, , count, asked] = process.argv;
const sight = SIGHTS.find((name) => name === asked);
if (sight === undefined || !(Number(count) >= K)) throw new Error(`expected CANDIDATES and one of ${SIGHTS.join(', ')}`);
void measure(Number(count), sight).then(() => process.exit(0));
