/**
 * `node dist/workers/main.js [--queues orchestration,compute]`: serves a Temporal server's queues until SIGTERM or SIGINT.
 * The language model runs in a process of its own.
 */
import { mkdir } from 'node:fs/promises';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { createActivities } from '../activities';
import { BadInputError } from '../contracts/errors';
import { startComputeProcess } from '../engine/runtime/compute-client';
import { computingMachine } from '../engine/runtime/machine';
import { knowledgeDomain } from '../seal/knowledge/domain';
import { openStoreFromEnvironment } from '../storage/open-store';
import { ServerHistories } from './history-reader';
import { createSealWorkers, runWorkers } from './seal-workers';
import { readWorkerSettings } from './worker-settings';
import { workflowBundle } from './workflow-bundle';

async function main(): Promise<void> {
  const settings = readWorkerSettings(process.env, process.argv.slice(2));
  Runtime.install({
    logger: new DefaultLogger('INFO', ({ level, message, meta }) => {
      process.stderr.write(`${new Date().toISOString()} ${level} ${message}${meta === undefined ? '' : ` ${describe(meta)}`}\n`);
    }),
    // Signals are this program's: it stops the workers, then the language model.
    shutdownSignals: [],
  });
  const stop = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  const store = await openStoreFromEnvironment();
  const model = startComputeProcess();
  try {
    await mkdir(settings.cacheDirectory, { recursive: true });
    const connection = await NativeConnection.connect({ address: settings.address });
    try {
      const { namespace, queues, cacheDirectory } = settings;
      const histories = new ServerHistories(connection, namespace);
      const activities = createActivities({ model, machine: computingMachine(), store, domain: knowledgeDomain, cacheDirectory, histories });
      const bundle = queues.includes('orchestration') ? await workflowBundle(cacheDirectory) : null;
      const workers = await createSealWorkers({ connection, namespace, queues, activities, workflowBundle: bundle });
      process.stderr.write(`${new Date().toISOString()} INFO serving ${queues.join(' and ')} of ${settings.address}\n`);
      await runWorkers(workers, stop);
    } finally {
      await connection.close();
    }
  } finally {
    await model.close();
    store.close();
  }
}

/** A log line's details, without what would break the line or drown it. */
function describe(meta: object): string {
  return JSON.stringify(meta, (_key, value: unknown) => (value instanceof Error ? `${value.name}: ${value.message}` : typeof value === 'bigint' ? String(value) : value)).slice(0, 2000);
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    const text = error instanceof BadInputError ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`${new Date().toISOString()} ERROR ${text}\n`);
    process.exit(error instanceof BadInputError ? 2 : 1);
  },
);
