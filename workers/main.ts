/**
 * `node dist/workers/main.js [--queues orchestration,compute]`: serves a Temporal server's queues until SIGTERM or SIGINT.
 * The language model runs in a process of its own.
 */
import { mkdir } from 'node:fs/promises';
import { NativeConnection } from '@temporalio/worker';
import { createActivities } from '../activities';
import { BadInputError } from '../contracts/errors';
import { startComputeProcess } from '../engine/runtime/compute-client';
import { computingMachine } from '../engine/runtime/machine';
import { knowledgeDomain } from '../seal/knowledge/domain';
import { openStoreFromEnvironment } from '../storage/open-store';
import { readListenAddress } from '../telemetry/listen-address';
import { Log } from '../telemetry/log';
import { observeModel } from '../telemetry/observed-model';
import { observeStore } from '../telemetry/observe-store';
import { installTelemetry, readTelemetrySettings } from '../telemetry/worker-telemetry';
import { ServerHistories } from './history-reader';
import { createSealWorkers, runWorkers } from './seal-workers';
import { serveHealth } from './worker-health';
import { readWorkerSettings } from './worker-settings';
import { workflowBundle } from './workflow-bundle';

async function main(): Promise<void> {
  const settings = readWorkerSettings(process.env, process.argv.slice(2));
  const healthAddress = readListenAddress(process.env, 'SEAL_HEALTH_ADDRESS');
  const { log, meter, interceptors } = installTelemetry(readTelemetrySettings(process.env));
  const stop = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const store = await openStoreFromEnvironment(process.env, observeStore(meter));
  const compute = startComputeProcess({ onErrorLine: (line) => log.warn(line, { ...model.serving, process: 'compute' }) });
  const model = observeModel(compute, meter, log);
  try {
    await mkdir(settings.cacheDirectory, { recursive: true });
    const connection = await NativeConnection.connect({ address: settings.address });
    try {
      const { namespace, queues, cacheDirectory } = settings;
      const histories = new ServerHistories(connection, namespace);
      const activities = createActivities({ model, machine: computingMachine(), store, domain: knowledgeDomain, cacheDirectory, histories });
      const bundle = queues.includes('orchestration') ? await workflowBundle(cacheDirectory) : null;
      const workers = await createSealWorkers({ connection, namespace, queues, activities, interceptors, workflowBundle: bundle });
      const usesModel = queues.some((queue) => queue !== 'orchestration');
      const health = await serveHealth(healthAddress, { workers, connection, compute: usesModel ? { process: compute, model } : null });
      log.info(`serving ${queues.join(' and ')} of ${settings.address}`);
      try {
        await runWorkers(workers, stop);
      } finally {
        health?.close();
      }
    } finally {
      await connection.close();
    }
  } finally {
    await model.close();
    store.close();
  }
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    new Log('ERROR').error(error instanceof Error ? error.message : String(error), error instanceof BadInputError ? {} : { error });
    process.exit(error instanceof BadInputError ? 2 : 1);
  },
);
