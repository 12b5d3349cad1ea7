import { ApplicationFailure, type DataConverter } from '@temporalio/common';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { WorkflowHandleWithFirstExecutionRunId } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { SealActivities } from '../../activities/activity-types';
import { awaitWorkflows } from '../../activities/await-workflows';
import type { Services } from '../../activities/services';
import { type CampaignInput, ORCHESTRATION_QUEUE } from '../../campaign/campaign';
import { taskPriority } from '../../campaign/priority';
import { serverBinary } from '../../infra/stack/server-binaries';
import { SCHEDULING_ARGUMENTS } from '../../infra/stack/temporal-server';
import type { campaignWorkflow } from '../../workflows/campaign';
import { createSealWorkers, runWorkers } from '../../workers/seal-workers';
import { ServerWorkflows } from '../../workers/server-workflows';
import { workflowBundle } from '../../workers/workflow-bundle';
import { searchKeys } from '../../workflows/record/search-attributes';
import { fakeActivities } from './fake-activities';

/**
 * A Temporal server of the test file's own, on a free port, with workers whose activities each test sets; all gone with the
 * file.
 */
export class TemporalFixture {
  readonly environment: TestWorkflowEnvironment;
  readonly #directory: string;
  #activities: SealActivities | null = null;
  #stopWorkers = (): void => undefined;
  #workers: Promise<void> = Promise.resolve();
  /** Times that `awaitWorkflows` was called, and how many of them fail. */
  watches = 0;
  failingWatches = 0;

  private constructor(environment: TestWorkflowEnvironment, directory: string) {
    this.environment = environment;
    this.#directory = directory;
  }

  /** @param computeSlots activities at once that need a language model. @default as many as a fleet has */
  static async start({ computeSlots = 100, dataConverter }: { readonly computeSlots?: number; readonly dataConverter?: DataConverter } = {}): Promise<TemporalFixture> {
    Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
    const path = await serverBinary('temporal', () => undefined);
    const directory = mkdtempSync(join(tmpdir(), 'seal-workflows-'));
    const environment = await TestWorkflowEnvironment.createLocal({
      server: {
        executable: { type: 'existing-path', path },
        searchAttributes: Object.values(searchKeys),
        extraArgs: ['--log-level', 'never', ...SCHEDULING_ARGUMENTS],
      },
    });
    const fixture = new TemporalFixture(environment, directory);
    await fixture.#startWorkers(computeSlots, dataConverter);
    return fixture;
  }

  /** Runs `body` while the workers' activities are these. */
  async withActivities<Result>(activities: SealActivities, body: () => Promise<Result>): Promise<Result> {
    this.#activities = activities;
    try {
      return await body();
    } finally {
      this.#activities = null;
    }
  }

  async #startWorkers(computeSlots: number, dataConverter?: DataConverter): Promise<void> {
    const names = Object.keys(fakeActivities().activities) as (keyof SealActivities)[];
    const { nativeConnection, namespace = 'default' } = this.environment;
    // Whatever a test's activities are: how workflows end only the server knows.
    const awaiting = awaitWorkflows({ heartbeatIntervalMs: 200, workflows: new ServerWorkflows(this.environment.client) } as unknown as Services);
    const delegates = names.map((name) => {
      if (name === 'awaitWorkflows') {
        const watch: typeof awaiting = (task) => {
          this.watches += 1;
          return this.watches <= this.failingWatches ? Promise.reject(ApplicationFailure.nonRetryable('on purpose', 'TypeError')) : awaiting(task);
        };
        return [name, watch] as const;
      }
      const call = (task: unknown): Promise<unknown> => {
        const activity = this.#activities?.[name] as ((task: unknown) => Promise<unknown>) | undefined;
        if (activity === undefined) throw new Error(`${name} was called outside of a test`);
        return activity(task);
      };
      return [name, call] as const;
    });
    const workers = await createSealWorkers({
      connection: nativeConnection,
      namespace,
      queues: ['orchestration', 'bookkeeping', 'compute'],
      activities: Object.fromEntries(delegates),
      workflowBundle: await workflowBundle(this.#directory),
      computeSlots,
      ...(dataConverter && { dataConverter }),
    });
    this.#workers = runWorkers(workers, new Promise<void>((resolve) => (this.#stopWorkers = resolve)));
  }

  start(input: CampaignInput, priority?: number): Promise<WorkflowHandleWithFirstExecutionRunId<typeof campaignWorkflow>> {
    return this.environment.client.workflow.start<typeof campaignWorkflow>('campaignWorkflow', {
      workflowId: input.campaignId,
      taskQueue: ORCHESTRATION_QUEUE,
      args: [input],
      ...(priority === undefined ? {} : { priority: taskPriority(input.campaignId, priority) }),
    });
  }

  async stop(): Promise<void> {
    this.#stopWorkers();
    await this.#workers;
    await this.environment.teardown();
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

/** Waits until `condition` holds. @throws after `limitMs`, naming what was waited for */
export async function eventually(what: string, condition: () => boolean | Promise<boolean>, limitMs = 20_000): Promise<void> {
  const end = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited ${limitMs} ms in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
