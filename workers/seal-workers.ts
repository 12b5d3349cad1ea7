import type { DataConverter } from '@temporalio/common';
import { type NativeConnection, Worker, type WorkerOptions, type WorkflowBundleOption } from '@temporalio/worker';
import type { SealActivities } from '../activities';
import { COMPUTE_SLOTS, isComputeQueue, type QueueName, TASK_QUEUES } from '../campaign/queues';
import { type DeploymentVersion, DRAIN_SECONDS } from '../settings/worker';
import { deploymentOptions } from './deployment';
import { WorkIntake } from './work-intake';

/**
 * Workflows kept in memory: an epoch's window of candidates (at most 400) with its parents. One more costs a replay of its
 * whole history from the server.
 */
const CACHED_WORKFLOWS = 500;

/** They wait, for a store, a judge or a workflow, so a slot costs next to nothing: as many as the candidates of a whole window. */
const BOOKKEEPING_SLOTS = 500;

/** A tuner names suppliers of all kinds of slots. */
const UNUSED = { type: 'fixed-size', numSlots: 2 } as const;

export interface SealWorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly queues: readonly QueueName[];
  readonly activities: SealActivities;
  /** Activities at once of each compute queue. @default COMPUTE_SLOTS */
  readonly computeSlots?: number;
  /** How long running computations may go on after a shutdown began, seconds. @default 1 */
  readonly drainSeconds?: number;
  /** @default null: unversioned */
  readonly deployment?: DeploymentVersion | null;
  /** Only read for the orchestration queue. */
  readonly workflowBundle: WorkflowBundleOption | null;
  /** What sees workflows and activities from outside. @default nothing */
  readonly telemetry?: Pick<WorkerOptions, 'interceptors' | 'sinks'>;
  /** How payloads are written. @default plain JSON */
  readonly dataConverter?: DataConverter;
  /** @default one that nobody asks */
  readonly intake?: WorkIntake;
  readonly tuning?: Pick<WorkerOptions, 'maxConcurrentWorkflowTaskPolls' | 'maxConcurrentActivityTaskPolls'>;
}

/** The workers of one process, one a queue; they share the activities and so the language model. */
export async function createSealWorkers(options: SealWorkersOptions): Promise<Worker[]> {
  const { activities, workflowBundle, queues, tuning } = options;
  const { connection, namespace, dataConverter, telemetry = {}, deployment = null } = options;
  const converting = dataConverter === undefined ? {} : { dataConverter };
  const served = { connection, namespace, ...telemetry, ...converting, ...deploymentOptions(deployment) };
  const workers: Worker[] = [];
  for (const queue of queues) {
    if (queue === 'orchestration') {
      if (workflowBundle === null) throw new RangeError('the orchestration queue needs a workflow bundle');
      workers.push(await Worker.create({ ...served, ...orchestration(workflowBundle, activities), ...tuning }));
    } else {
      workers.push(await Worker.create({ ...served, ...ofActivities(queue, options), ...tuning }));
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
    taskQueue: TASK_QUEUES.orchestration,
    workflowBundle,
    // Run as a local activity, in the process of its workflow.
    activities: { validateSelfEdit: (task: Parameters<SealActivities['validateSelfEdit']>[0]) => activities.validateSelfEdit(task) },
    enableNonLocalActivities: false,
    maxCachedWorkflows: CACHED_WORKFLOWS,
    maxConcurrentWorkflowTaskExecutions: 40,
    maxConcurrentWorkflowTaskPolls: 10,
  };
}

function ofActivities(
  queue: Exclude<QueueName, 'orchestration'>,
  { activities, computeSlots = COMPUTE_SLOTS, drainSeconds = DRAIN_SECONDS, intake = new WorkIntake() }: SealWorkersOptions,
): Omit<WorkerOptions, 'connection'> {
  const slots = isComputeQueue(queue) ? computeSlots : BOOKKEEPING_SLOTS;
  return {
    taskQueue: TASK_QUEUES[queue],
    activities: intake.observe(activities),
    tuner: { workflowTaskSlotSupplier: UNUSED, localActivityTaskSlotSupplier: UNUSED, nexusTaskSlotSupplier: UNUSED, activityTaskSlotSupplier: intake.slots(slots) },
    maxConcurrentActivityTaskPolls: Math.min(5, slots),
    // A cancellation travels with a heartbeat's answer; the SDK would hold heartbeats back for most of their timeout.
    maxHeartbeatThrottleInterval: '3s',
    // Then running computations hear of the shutdown; their process is stopped by the cancellation.
    shutdownGraceTime: `${drainSeconds}s`,
    shutdownForceTime: `${drainSeconds + 10}s`,
  };
}
