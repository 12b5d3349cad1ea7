/**
 * A worker whose activities do nothing: what is left is the durable tree itself. Histories are fetched as they would be to be archived;
 * ends with SIGTERM. Reads TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE and, as its arguments, a directory for the workflow bundle, the file that gets the size of the
 * largest payload it wrote, and `failing` where every fifth candidate shall fail.
 */
import { writeFileSync } from 'node:fs';
import { Client } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import type { SealActivities } from '../activities/activity-types';
import { awaitWorkflows } from '../activities/await-workflows';
import type { Services } from '../activities/services';
import { forEachRun } from '../activities/stored/history-reader';
import { numbersIn } from '../seal/algorithm/plan';
import { epochSummary } from '../seal/report-data';
import { temporalSettings } from '../settings/temporal';
import { PayloadSizes } from './payload-sizes';
import { ServerHistories } from '../workers/history-reader';
import { createSealWorkers, runWorkers } from '../workers/seal-workers';
import { ServerWorkflows } from '../workers/server-workflows';
import { workflowBundle } from '../workers/workflow-bundle';

const REF = { sha256: '0'.repeat(64), sizeBytes: 1, mediaType: 'application/json' };

/** As long as a reason may be, and longer. */
const WHY = `the loss is not finite, ${'and this says so at length, '.repeat(60)}`;

function idleActivities(client: Client, isFailing: boolean): SealActivities {
  const histories = new ServerHistories(client);
  const scored: { readonly position: number; readonly reward: number }[] = [];
  const failed: unknown[] = [];
  const services = { heartbeatIntervalMs: 2000, workflows: new ServerWorkflows(client) } as unknown as Services;
  return {
    pinInputs: ({ campaignId }) => Promise.resolve({ campaignId, input: REF, runId: 'bench' }),
    proposeSelfEdits: () => Promise.resolve(),
    collectProposals: () => Promise.resolve({ proposals: REF }),
    validateSelfEdit: () => Promise.resolve({ accepted: true }),
    fineTuneAdapters: ({ scope, group }) => {
      if (isFailing && scope.split === 'train' && group.from % 5 === 4) return Promise.reject(ApplicationFailure.nonRetryable(WHY, 'NotFiniteError'));
      return Promise.resolve({ members: numbersIn(group).map((position) => ({ position, adapter: REF.sha256 })) });
    },
    evaluateAdapters: ({ scope, group }) => {
      const members = numbersIn(group).map((position) => ({ position, reward: (position % 7) / 7 }));
      if (scope.split === 'train') scored.push(...members);
      return Promise.resolve({ members });
    },
    evaluateBase: () => Promise.resolve(),
    gradeAdapters: () => Promise.reject(new RangeError('nothing is judged here')),
    gradeBase: () => Promise.reject(new RangeError('nothing is judged here')),
    selectSelfEdits: ({ versions: { epoch } }) => {
      const outcomes = [...scored.splice(0).map(({ reward }) => ({ contextId: 'all', status: 'scored' as const, reward })), ...Array.from({ length: failed.splice(0).length }, () => ({ contextId: 'all', status: 'failed' as const }))];
      return Promise.resolve({ selection: REF, summary: epochSummary(epoch, outcomes, 1), retryable: 0, isAsBefore: false });
    },
    trainPolicy: ({ versions: { epoch } }) => Promise.resolve({ policy: `policy-${epoch}` }),
    summariseMethod: ({ method }) => Promise.resolve({ name: method, grader: 'exact', score: 0, standardError: 0, n: 1, runs: 1, rejected: 0, diverged: 0, meanTokens: 0, meanSteps: 0 }),
    writeReport: () => Promise.resolve({ key: 'report', digest: { key: 'digest', sha256: REF.sha256 } }),
    recordFailures: (task) => Promise.resolve(void failed.push(...task.failed)),
    listFailed: () => Promise.reject(new RangeError('nothing is tried again here')),
    contextIds: ({ from, to }) => Promise.resolve(numbersIn({ from, to }).map((place) => `context${place}`)),
    findFailedEpoch: () => Promise.resolve(null),
    recordRevision: () => Promise.reject(new RangeError('nothing is tried again here')),
    awaitWorkflows: awaitWorkflows(services),
    archiveHistories: async ({ workflows }) => {
      let archived = 0;
      for (const workflow of workflows) await forEachRun(histories, workflow, () => Promise.resolve(void (archived += 1)));
      return { archived };
    },
  };
}

async function main(): Promise<void> {
  Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
  const [directory = '.', payloads, failing] = process.argv.slice(2);
  const sizes = new PayloadSizes();
  const stop = new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()));
  const { address, namespace } = temporalSettings();
  const connection = await NativeConnection.connect({ address });
  const activities = idleActivities(new Client({ connection, namespace }), failing !== undefined);
  const bundle = await workflowBundle(directory);
  await runWorkers(await createSealWorkers({ connection, namespace, queues: ['orchestration', 'bookkeeping', 'compute'], computeSlots: 100, activities, workflowBundle: bundle, dataConverter: { payloadCodecs: [sizes] } }), stop);
  await connection.close();
  if (payloads !== undefined) writeFileSync(payloads, String(sizes.largest));
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${String(error)}\n`);
    process.exit(1);
  },
);
