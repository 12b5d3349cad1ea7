/** Every timeout and retry of the tree, with its reason. */
import { ActivityCancellationType, type ActivityOptions, type LocalActivityOptions, proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { SealActivities } from '../../activities/activity-types';
import type { CampaignInput, CampaignTimings } from '../../campaign/campaign';
import { FAILURE_CLASSES, type FailurePolicy } from '../../campaign/failures';
import { type ComputeQueueName, computeQueueOf, MOST_COMPUTE_SLOTS, TASK_QUEUES } from '../../campaign/queues';
import { attempted } from './attempts';

const DEFAULT_TIMINGS: CampaignTimings = {
  /**
   * A worker killed with SIGKILL says nothing: this is how long its work lies still. Activities beat every 2 s; a machine
   * whose cores are all busy may miss some.
   */
  heartbeatTimeoutMs: 20_000,
  /** A compute process that died is back within a second; a store that restarts takes a few. */
  retryInitialMs: 1_000,
  /** An outage of minutes must not be met with a storm of retries, nor with an hour's sleep once it is over. */
  retryMaximumMs: 60_000,
  /** Reading and writing a few small documents takes milliseconds; a slow store may take seconds. */
  bookkeepingMs: 120_000,
};

function timingsOf({ timings }: Pick<CampaignInput, 'timings'>): CampaignTimings {
  return { ...DEFAULT_TIMINGS, ...timings };
}

/** What of a campaign decides how long its activities may take. */
export interface ActivitySettings {
  readonly timings: CampaignTimings;
  /** `limits.activitySeconds`: the worker itself stops a computation that takes longer. */
  readonly activitySeconds: number;
  /** Whether another model gives the marks. */
  readonly isJudged: boolean;
  /** Which machines compute it. */
  readonly computeQueue: ComputeQueueName;
}

export function activitySettings(input: CampaignInput): ActivitySettings {
  const { activitySeconds } = input.spec.limits;
  const computeQueue = computeQueueOf(input.spec.compute.executionProviders);
  return { timings: timingsOf(input), activitySeconds, isJudged: input.spec.reward.grader === 'judge', computeQueue };
}

/**
 * Failures that the server must not repeat: the workflow counts them, or nothing would change. `activities/execution/failure.ts` marks them
 * too, this is the second lock. An attempt that ran into its own time limit is among them; one whose worker fell silent is not.
 */
const NOT_BY_THE_SERVER = [
  ...(Object.values(FAILURE_CLASSES) as FailurePolicy[]).filter(({ retriedBy }) => retriedBy !== 'server').flatMap(({ types }) => types),
  'TemporalTimeout:StartToClose',
];

/** The server's own repeats are of what passes by itself, so they have no end. */
function retry({ timings }: ActivitySettings): NonNullable<ActivityOptions['retry']> {
  return {
    initialInterval: timings.retryInitialMs,
    maximumInterval: timings.retryMaximumMs,
    backoffCoefficient: 2,
    nonRetryableErrorTypes: NOT_BY_THE_SERVER,
  };
}

/** The named ones of `activities`, each attempted as its failures' classes grant. */
function attemptedEach<Name extends keyof SealActivities>(
  activities: SealActivities,
  names: readonly Name[],
  { timings }: ActivitySettings,
): Pick<SealActivities, Name> {
  const entries = names.map((name) => [name, attempted(activities[name] as (task: unknown) => Promise<unknown>, timings)]);
  return Object.fromEntries(entries) as Pick<SealActivities, Name>;
}

const COMPUTE = ['proposeSelfEdits', 'fineTuneAdapters', 'evaluateAdapters', 'evaluateBase', 'trainPolicy'] as const;

/** Activities that use the language model. */
export function computeActivities(settings: ActivitySettings): Pick<SealActivities, (typeof COMPUTE)[number]> {
  const activities = proxyActivities<SealActivities>({
    taskQueue: TASK_QUEUES[settings.computeQueue],
    // The worker's own limit counts from when the language model is free; this one includes whatever of the same worker has it before, a
    // policy to be merged and transfers. It catches what heartbeats do not: a worker that beats and does nothing.
    startToCloseTimeout: settings.activitySeconds * 1000 * (MOST_COMPUTE_SLOTS + 2),
    heartbeatTimeout: settings.timings.heartbeatTimeoutMs,
    retry: retry(settings),
    // A campaign is only cancelled once no computation of it runs any more.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  return attemptedEach(activities, COMPUTE, settings);
}

const BOOKKEEPING = ['pinInputs', 'collectProposals', 'selectSelfEdits', 'summariseMethod', 'writeReport', 'contextIds', 'recordFailures', 'listFailed', 'findFailedEpoch', 'recordRevision', 'archiveHistories'] as const;

/** Activities that read and write small documents; `pinInputs` hashes the model's files, `collectProposals` counts tokens. */
export function bookkeepingActivities(settings: ActivitySettings): Pick<SealActivities, (typeof BOOKKEEPING)[number]> {
  const activities = proxyActivities<SealActivities>({
    taskQueue: TASK_QUEUES.bookkeeping,
    startToCloseTimeout: settings.timings.bookkeepingMs + settings.activitySeconds * 1000,
    heartbeatTimeout: settings.timings.heartbeatTimeoutMs,
    retry: retry(settings),
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  return attemptedEach(activities, BOOKKEEPING, settings);
}

const ASKING = ['proposeSelfEdits', 'gradeAdapters', 'gradeBase'] as const;

/** Activities that wait for an endpoint's answers. Nothing that another campaign needs is held meanwhile. */
export function askingActivities(settings: ActivitySettings): Pick<SealActivities, (typeof ASKING)[number]> {
  const activities = proxyActivities<SealActivities>({
    taskQueue: TASK_QUEUES.bookkeeping,
    // Each request has its own limit and tries, and waits for those before it; the answers so far are kept. So this is only for a worker
    // that beats and does nothing.
    startToCloseTimeout: '1 day',
    heartbeatTimeout: settings.timings.heartbeatTimeoutMs,
    retry: retry(settings),
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  return attemptedEach(activities, ASKING, settings);
}

/** How long one attempt waits for other workflows to end before it says that none has: another attempt then goes on. */
export const AWAIT_WORKFLOWS_MS = 600_000;

/** Waits for workflows that are nobody's children any more. */
export function waitingActivities(settings: ActivitySettings): Pick<SealActivities, 'awaitWorkflows'> {
  return proxyActivities<SealActivities>({
    taskQueue: TASK_QUEUES.bookkeeping,
    startToCloseTimeout: 2 * AWAIT_WORKFLOWS_MS,
    heartbeatTimeout: settings.timings.heartbeatTimeoutMs,
    retry: retry(settings),
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  });
}

/**
 * Judging a self-edit takes milliseconds: as a local activity it costs one event instead of three and no queue. Only for a workflow that does
 * one thing after the other: beside signals and children that are under way, a replay may meet a local activity's result at another place.
 */
export function localActivities(settings: ActivitySettings): Pick<SealActivities, 'validateSelfEdit'> {
  const options: LocalActivityOptions = {
    startToCloseTimeout: settings.timings.bookkeepingMs,
    retry: retry(settings),
    cancellationType: ActivityCancellationType.TRY_CANCEL,
  };
  return attemptedEach(proxyLocalActivities<SealActivities>(options) as SealActivities, ['validateSelfEdit'], settings);
}
