/**
 * `node dist/workers/main.js [--queues orchestration,bookkeeping,compute]`: serves a Temporal server's queues until SIGTERM or SIGINT.
 * The language model runs in a process of its own, and its tokenizer in another.
 */
import { Client } from '@temporalio/client';
import { createActivities } from '../activities';
import { connectWorker } from '../temporal/connect-worker';
import { dataConverter } from '../temporal/encryption/data-converter';
import { refuseForeignKeys } from '../temporal/encryption/foreign-keys';
import { BadInputError, ServerUnreachableError, StoreRefusedError } from '../campaign/errors';
import { isComputeQueue } from '../campaign/queues';
import { startComputeProcess } from '../engine/runtime/compute-client';
import { computingMachine } from '../engine/runtime/machine';
import { environment } from '../settings/environment';
import { cacheBytes, diskQuotaBytes, sealHome } from '../settings/home';
import { telemetrySettings } from '../settings/telemetry';
import { readWorkerSettings, type WorkerSettings } from '../settings/worker';
import { DirectoryCache } from '../storage/directory-cache';
import { DiskGuard } from '../storage/disk-quota';
import { openStoreFromEnvironment } from '../storage/open-store';
import { measureDisk } from '../telemetry/disk-space';
import { Log } from '../telemetry/log';
import { observeModel } from '../telemetry/observed-model';
import { observeStore } from '../telemetry/observe-store';
import { installTelemetry } from '../telemetry/worker-telemetry';
import { AlertingCodec, keyAlert } from './alerting-codec';
import { codeVersion } from './code-version';
import { ServerHistories } from './history-reader';
import { openCache } from './open-cache';
import { createSealWorkers, runWorkers } from './seal-workers';
import { refuseUnservable } from './servable-queues';
import { ServerWorkflows } from './server-workflows';
import { serveHealth } from './worker-health';
import { WorkIntake } from './work-intake';
import { giveSignsOfLife } from './sign-of-life';
import { workflowBundle } from './workflow-bundle';

async function main(): Promise<void> {
  giveSignsOfLife();
  const settings = readWorkerSettings(environment(), process.argv.slice(2));
  // A worker of every queue leaves it to a campaign to say what it lacks; one of a fleet must not take what it cannot do.
  if (settings.queuesNamed) refuseUnservable(settings.queues);
  const observed = telemetrySettings();
  const telemetry = await installTelemetry(observed);
  const { log, meter } = telemetry;
  // As a line like all others: Node would print whatever the error quotes.
  process.on('uncaughtException', (error) => {
    log.error('the worker ends: nobody expected this error', { error });
    process.exit(1);
  });
  const stop = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const keys = dataConverter();
  const intake = new WorkIntake((reason) => log.warn(`this worker lacks what some work needs, and leaves that to others until it is there: ${reason}`));
  const alert = keyAlert(log, meter);
  const onMissingKey = (reason: BadInputError): void => {
    alert(reason);
    intake.miss(reason.message);
  };
  const converter = { ...keys, payloadCodecs: keys.payloadCodecs.map((codec) => new AlertingCodec(codec, onMissingKey)) };
  const store = await openStoreFromEnvironment(environment(), observeStore(meter));
  const compute = startComputeProcess({ onErrorLine: (line) => log.foreign(line, { ...model.serving, process: 'compute' }) });
  const model = observeModel(compute, meter, log);
  // Tokens are counted for one campaign while the model computes another. A process like the model's, since long texts would hold up this one's heartbeats.
  const tokenizing = startComputeProcess({ purpose: 'tokenizer', onErrorLine: (line) => log.foreign(line, { ...tokenizer.serving, process: 'tokenizer' }) });
  const tokenizer = observeModel(tokenizing, meter, log);
  try {
    await openCache(settings.cacheDirectory);
    await measureDisk(settings.cacheDirectory, meter);
    const connection = await connectWorker(settings.temporal);
    try {
      const { queues, cacheDirectory } = settings;
      const { namespace } = settings.temporal;
      const client = new Client({ connection, namespace, dataConverter: converter });
      await refuseForeignKeys(new Client({ connection, namespace, dataConverter: keys }));
      const cache = new DirectoryCache(cacheDirectory);
      const disk = new DiskGuard(sealHome(), diskQuotaBytes(), { warn: (line) => log.warn(line), makeRoom: () => cache.evictUnread() });
      const histories = new ServerHistories(client);
      const workflows = new ServerWorkflows(client);
      const activities = createActivities({ model, tokenizer, machine: computingMachine(), codeVersion: codeVersion(), store, cacheDirectory, cacheBytes: cacheBytes(), histories, workflows, refuseFullDisk: () => disk.refuseFull() });
      const bundle = queues.includes('orchestration') ? await workflowBundle(cacheDirectory, { ...converter, traced: observed.tracing !== null }) : null;
      const workers = await createSealWorkers({ ...settings, connection, namespace, activities, intake, workflowBundle: bundle, dataConverter: converter, telemetry: telemetry.workerOptions });
      const usesModel = queues.some(isComputeQueue);
      const health = await serveHealth(observed.health, { workers, connection, intake, compute: usesModel ? { process: compute, model } : null });
      log.info(`serving ${served(settings)}`);
      try {
        await runWorkers(workers, stop);
      } finally {
        health?.close();
      }
    } finally {
      await connection.close();
    }
  } finally {
    await Promise.all([model.close(), tokenizer.close()]);
    store.close();
    await telemetry.close();
  }
}

function served({ queues, temporal, deployment }: WorkerSettings): string {
  const version = deployment === null ? '' : ` as build ${deployment.buildId} of ${deployment.deploymentName}`;
  return `${queues.join(', ')} of ${temporal.address}${version}`;
}

/** Says why, and ends: with 2 where somebody has to correct something before it can go on. */
function fail(error: unknown): never {
  const isExpected = error instanceof BadInputError || error instanceof ServerUnreachableError || error instanceof StoreRefusedError;
  new Log('ERROR').error(error instanceof Error ? error.message : String(error), isExpected ? {} : { error });
  process.exit(isExpected ? 2 : 1);
}

// What a dependency should do otherwise (gRPC, with an IP address over TLS) is nothing that who reads this output can change.
process.noDeprecation = true;

main().then(() => process.exit(0), fail);
