import type { DataConverter } from '@temporalio/common';
import { type NativeConnection, Worker, type WorkerInterceptors, type WorkerOptions, type WorkflowBundleOption } from '@temporalio/worker';
import type { SealActivities } from '../activities';
import { COMPUTE_QUEUE, ORCHESTRATION_QUEUE } from '../contracts/campaign';
import type { QueueName } from './worker-settings';

/**
 * Workflows kept in memory: an epoch's window of candidates (at most 400) with its parents. One more costs a replay of its
 * whole history from the server.
 */
const CACHED_WORKFLOWS = 500;

/** Every candidate in the window may wait for its group's computation, each in an activity of its own. */
const ACTIVITIES_AT_ONCE = 500;

export interface SealWorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly queues: readonly QueueName[];
  readonly activities: SealActivities;
  /** Only read for the orchestration queue. */
  readonly workflowBundle: WorkflowBundleOption | null;
  /** What sees the activities from outside. @default nothing */
  readonly interceptors?: WorkerInterceptors;
  /** How payloads are written. @default plain JSON */
  readonly dataConverter?: DataConverter;
  readonly tuning?: Pick<WorkerOptions, 'maxConcurrentWorkflowTaskPolls' | 'maxConcurrentActivityTaskPolls'>;
}

/** The workers of one process, one a queue; they share the activities and so the language model and its queue. */
export async function createSealWorkers(options: SealWorkersOptions): Promise<Worker[]> {
  const { activities, workflowBundle, queues, tuning } = options;
  const { connection, namespace, dataConverter, interceptors = {} } = options;
  const served = { connection, namespace, interceptors, ...(dataConverter === undefined ? {} : { dataConverter }) };
  const workers: Worker[] = [];
  for (const queue of queues) {
    if (queue === 'orchestration') {
      if (workflowBundle === null) throw new RangeError('the orchestration queue needs a workflow bundle');
      workers.push(await Worker.create({ ...served, ...orchestration(workflowBundle, activities), ...tuning }));
    } else {
      workers.push(await Worker.create({ ...served, ...compute(activities), ...tuning }));
    }
  }
  return workers;
}

/** Runs until `stop` resolves or one worker fails; the others then end too. */
export async function runWorkers(workers: readonly Worker[], stop: Promise<void>): Promise<void> {
  const endAll = (): void => workers.filter((worker) => worker.getState() === 'RUNNING').forEach((worker) => worker.shutdown());
  void stop.then(endAll);
  const ended = workers.map((worker) =>
    worker.run().catch((error: unknown) => {
      endAll();
      throw error;
    }),
  );
  const outcomes = await Promise.allSettled(ended);
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}

function orchestration(workflowBundle: WorkflowBundleOption, activities: SealActivities): Omit<WorkerOptions, 'connection'> {
  return {
    taskQueue: ORCHESTRATION_QUEUE,
    workflowBundle,
    // Runs as a local activity, in the process of its workflow.
    activities: { validateSelfEdit: (task: Parameters<SealActivities['validateSelfEdit']>[0]) => activities.validateSelfEdit(task) },
    enableNonLocalActivities: false,
    maxCachedWorkflows: CACHED_WORKFLOWS,
    maxConcurrentWorkflowTaskExecutions: 40,
    maxConcurrentWorkflowTaskPolls: 10,
  };
}

function compute(activities: SealActivities): Omit<WorkerOptions, 'connection'> {
  return {
    taskQueue: COMPUTE_QUEUE,
    activities,
    maxConcurrentActivityTaskExecutions: ACTIVITIES_AT_ONCE,
    maxConcurrentActivityTaskPolls: 5,
    // A cancellation travels with a heartbeat's answer; the SDK would hold heartbeats back for most of their timeout.
    maxHeartbeatThrottleInterval: '3s',
    // Running computations hear of the shutdown at once; their process is stopped by the cancellation.
    shutdownGraceTime: '1s',
    shutdownForceTime: '10s',
  };
}
