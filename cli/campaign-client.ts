import {
  ApplicationFailure,
  type Client,
  type Connection,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WithStartWorkflowOperation,
  type WorkflowExecutionStatusName,
  type WorkflowHandle,
} from '@temporalio/client';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { HistoryReader } from '../activities/stored/history-reader';
import { inputOf } from '../audit/history-events';
import { campaignMessages, ORCHESTRATION_QUEUE, workflowIds, type CampaignInput, type CampaignProgress, type CampaignState, type OperatorAction } from '../campaign/campaign';
import { openTemporalClient, type TemporalClient } from '../temporal/connect';
import { refuseForeignKeys } from '../temporal/encryption/foreign-keys';
import { refusalOf } from '../temporal/refusal';
import { BadInputError } from '../campaign/errors';
import { DEFAULT_PRIORITY, taskPriority } from '../campaign/priority';
import { tracingSettings } from '../settings/telemetry';
import { type TemporalSettings, temporalSettings } from '../settings/temporal';
import { startTracing } from '../telemetry/tracing/start-tracing';
import { ServerHistories } from '../workers/history-reader';
import type { CampaignResult } from '../workflows/campaign';
import type { CampaignSnapshot } from '../workflows/campaign/snapshot';
import { alreadyRunning, isUnanswered, NoWorkerError, unknownCampaign } from './campaign-failures';
import { removeWorkflows } from './remove-workflows';
import { waitingActivities, type WaitingActivities } from './waiting-activities';

const CONNECT_TIMEOUT_MS = 5_000;
/** A worker answers within this, or there is none. An action waits longer: a worker that has just been started may still be preparing. */
const QUERY_TIMEOUT_MS = 20_000;
const ACTION_TIMEOUT_MS = 90_000;
const CAMPAIGN_WORKFLOW = 'campaignWorkflow';
const SEAL_CAMPAIGN = defineSearchAttributeKey('SealCampaign', SearchAttributeType.KEYWORD);
const SEAL_STATUS = defineSearchAttributeKey('SealStatus', SearchAttributeType.KEYWORD);

/** A campaign as `list` shows it. */
export interface ListedCampaign {
  readonly campaignId: string;
  readonly state: CampaignState;
  /** ISO 8601. */
  readonly started: string;
  readonly closed: string | null;
}

export type OperatorUpdate = 'pause' | 'resume' | 'cancel' | 'retryFailed';

/** What the server knows of a campaign without asking a worker. */
export interface CampaignExecution {
  readonly state: CampaignState;
  readonly closed: boolean;
}

/** Campaigns on a Temporal server. */
export class CampaignClient {
  readonly settings: TemporalSettings;
  readonly #connection: Connection;
  readonly #client: Client;

  private constructor({ settings, connection, client }: TemporalClient) {
    this.settings = settings;
    this.#connection = connection;
    this.#client = client;
  }

  /** @throws as `openTemporalClient` */
  static async connect(settings: TemporalSettings = temporalSettings()): Promise<CampaignClient> {
    const warn = (reason: string): void => console.error(`the collector of traces does not take what it is sent: ${reason}`);
    const interceptors = startTracing(tracingSettings(), warn);
    return new CampaignClient(await openTemporalClient(settings, { timeoutMs: CONNECT_TIMEOUT_MS, interceptors }));
  }

  /** @throws BadInputError where what runs was started with other keys: no worker would read what is started with these */
  async refuseForeignKeys(): Promise<void> {
    await refuseForeignKeys(this.#client);
  }

  /** @throws BadInputError where a campaign of this id runs already */
  async start(input: CampaignInput, priority = DEFAULT_PRIORITY): Promise<void> {
    const { campaignId } = input;
    try {
      await this.#client.workflow.start(CAMPAIGN_WORKFLOW, {
        workflowId: workflowIds.campaign(campaignId),
        taskQueue: ORCHESTRATION_QUEUE,
        args: [input],
        typedSearchAttributes: [{ key: SEAL_CAMPAIGN, value: campaignId }],
        priority: taskPriority(campaignId, priority),
      });
    } catch (cause) {
      if (cause instanceof WorkflowExecutionAlreadyStartedError) throw alreadyRunning(campaignId, cause);
      throw cause;
    }
  }

  /** @throws BadInputError where a campaign of this id runs already */
  async refuseRunning(campaignId: string): Promise<void> {
    const execution = await this.find(campaignId);
    if (execution !== null && !execution.closed) throw alreadyRunning(campaignId);
  }

  /** Null where the server knows no campaign of this id. */
  async find(campaignId: string): Promise<CampaignExecution | null> {
    try {
      const description = await this.#handle(campaignId).describe();
      if (description.type !== CAMPAIGN_WORKFLOW) return null;
      const said = description.typedSearchAttributes.get(SEAL_STATUS);
      return { state: stateOf(description.status.name, said), closed: description.closeTime !== undefined };
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }

  /** @throws BadInputError where the server knows no campaign of this id */
  async execution(campaignId: string): Promise<CampaignExecution> {
    const execution = await this.find(campaignId);
    if (execution === null) throw unknownCampaign(campaignId, this.settings.address);
    return execution;
  }

  /** Asks a worker. @throws NoWorkerError where none answers */
  async progress(campaignId: string): Promise<CampaignProgress> {
    return this.#answered(QUERY_TIMEOUT_MS, () => this.#handle(campaignId).query<CampaignProgress>(campaignMessages.progressQuery));
  }

  /** An operator's action, recorded in the campaign's history. @returns where it stands since. @throws BadInputError where the campaign has ended */
  async act(campaignId: string, update: OperatorUpdate, action: OperatorAction): Promise<CampaignProgress> {
    const execution = await this.execution(campaignId);
    if (execution.closed) {
      throw new BadInputError({ where: campaignId, expected: `a campaign that runs, to ${update} it`, got: `one that is ${execution.state}` });
    }
    return this.#answered(ACTION_TIMEOUT_MS, () => this.#handle(campaignId).executeUpdate<CampaignProgress, [OperatorAction]>(update, { args: [action] }));
  }

  /** Waits for the end; needs no worker once it has come. @throws WorkflowFailedError unless the campaign completed */
  async result(campaignId: string): Promise<CampaignResult> {
    return this.#handle(campaignId).result() as Promise<CampaignResult>;
  }

  /** What a campaign that has ended left, completed or failed; null: nothing, as where it was terminated. */
  async remains(campaignId: string): Promise<CampaignResult | null> {
    try {
      return await this.result(campaignId);
    } catch (error) {
      if (!(error instanceof WorkflowFailedError)) throw error;
      const { cause } = error;
      return cause instanceof ApplicationFailure && cause.type === 'CampaignFailed' ? ((cause.details?.[0] as CampaignResult | undefined) ?? null) : null;
    }
  }

  /** Begins a campaign that has ended again, with what it had finished and an operator's wish that what failed be tried again. */
  async retryEnded(input: CampaignInput, snapshot: CampaignSnapshot, action: OperatorAction): Promise<void> {
    const { campaignId } = input;
    const { priority } = await this.#handle(campaignId).describe();
    const startWorkflowOperation = new WithStartWorkflowOperation(CAMPAIGN_WORKFLOW, {
      workflowId: workflowIds.campaign(campaignId),
      taskQueue: ORCHESTRATION_QUEUE,
      args: [input, snapshot],
      typedSearchAttributes: [{ key: SEAL_CAMPAIGN, value: campaignId }],
      workflowIdConflictPolicy: 'FAIL',
      ...(priority && { priority }),
    });
    await this.#answered(ACTION_TIMEOUT_MS, () =>
      this.#client.workflow.executeUpdateWithStart(campaignMessages.retryFailedUpdate, { args: [action], startWorkflowOperation }),
    );
  }

  /** What of a campaign the server repeats until it passes. */
  waiting(campaignId: string): Promise<WaitingActivities[]> {
    return waitingActivities(this.#client, campaignId);
  }

  /** The latest run of each, newest first. */
  async list(): Promise<ListedCampaign[]> {
    const listed = new Map<string, ListedCampaign>();
    for await (const execution of this.#client.workflow.list({ query: `WorkflowType = '${CAMPAIGN_WORKFLOW}'` })) {
      const closed = execution.closeTime?.toISOString() ?? null;
      const said = execution.typedSearchAttributes.get(SEAL_STATUS);
      const campaignId = execution.workflowId;
      const started = execution.startTime.toISOString();
      const known = listed.get(campaignId);
      if (known === undefined || known.started < started) listed.set(campaignId, { campaignId, state: stateOf(execution.status.name, said), started, closed });
    }
    return [...listed.values()].sort((a, b) => (a.started < b.started ? 1 : -1));
  }

  /** Whether a worker listens for workflows. */
  async hasWorker(): Promise<boolean> {
    const { pollers } = await this.#connection.workflowService.describeTaskQueue({
      namespace: this.settings.namespace,
      taskQueue: { name: ORCHESTRATION_QUEUE },
      taskQueueType: 1,
    });
    return (pollers ?? []).length > 0;
  }

  /** Every run of a campaign's own workflow that the server still knows. */
  async runs(campaignId: string): Promise<{ readonly workflowId: string; readonly runId: string }[]> {
    const runs = new Map<string, { workflowId: string; runId: string }>();
    const workflowId = workflowIds.campaign(campaignId);
    for await (const { runId } of this.#client.workflow.list({ query: `WorkflowId = '${workflowId}'` })) runs.set(runId, { workflowId, runId });
    // A list may lag behind by a moment; this does not.
    const latest = await this.#handle(campaignId).describe().catch((error: unknown) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      return null;
    });
    if (latest !== null) runs.set(latest.runId, { workflowId, runId: latest.runId });
    return [...runs.values()];
  }

  /** What a campaign was started with. @throws WorkflowNotFoundError */
  async input(campaignId: string): Promise<unknown> {
    const history = await this.#handle(campaignId).fetchHistory();
    return inputOf(history, this.#client.options.loadedDataConverter.payloadCodecs);
  }

  /** Removes a campaign's workflows, which have ended, with their histories. @returns how many runs there were */
  removeWorkflows(campaignId: string): Promise<number> {
    return removeWorkflows(this.#client, campaignId, async () => (await this.find(campaignId)) !== null);
  }

  /** Reads histories as the server has them. */
  histories(): HistoryReader {
    return new ServerHistories(this.#client);
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  #handle(campaignId: string): WorkflowHandle {
    return this.#client.workflow.getHandle(workflowIds.campaign(campaignId));
  }

  async #answered<Answer>(timeoutMs: number, ask: () => Promise<Answer>): Promise<Answer> {
    try {
      return await this.#connection.withDeadline(Date.now() + timeoutMs, ask);
    } catch (cause) {
      if (!isUnanswered(cause)) throw cause;
      throw new NoWorkerError(`no worker of ${this.settings.address}, queue ${ORCHESTRATION_QUEUE}, answered within ${timeoutMs / 1000} s; "seal up" starts one`, { cause });
    }
  }
}

/** Runs `body` with a connection that is closed afterwards. */
export async function withCampaigns<Result>(body: (campaigns: CampaignClient) => Promise<Result>): Promise<Result> {
  const campaigns = await CampaignClient.connect();
  try {
    return await body(campaigns);
  } catch (error) {
    throw refusalOf(error, campaigns.settings.address) ?? error;
  } finally {
    await campaigns.close();
  }
}

/** @param said what the workflow itself last said: it completes when an operator cancels it, and runs while it is paused */
function stateOf(status: WorkflowExecutionStatusName, said: string | undefined): CampaignState {
  switch (status) {
    case 'COMPLETED':
      return said === 'cancelled' ? 'cancelled' : 'completed';
    case 'CANCELLED':
      return 'cancelled';
    case 'RUNNING':
    case 'CONTINUED_AS_NEW':
    case 'PAUSED':
    case 'UNSPECIFIED':
    case 'UNKNOWN':
      return said === 'paused' ? 'paused' : 'running';
    case 'FAILED':
    case 'TERMINATED':
    case 'TIMED_OUT':
      return 'failed';
  }
}
