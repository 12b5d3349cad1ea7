import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Context } from '@temporalio/activity';
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import type { SealActivities } from '../../activities/activity-types';
import { awaitWorkflows } from '../../activities/await-workflows';
import type { Services } from '../../activities/services';
import { ORCHESTRATION_QUEUE } from '../../campaign/campaign';
import { serverBinary } from '../../infra/stack/server-binaries';
import { createSealWorkers, runWorkers } from '../../workers/seal-workers';
import { ServerWorkflows } from '../../workers/server-workflows';
import { workflowBundle } from '../../workers/workflow-bundle';
import type { campaignWorkflow } from '../../workflows/campaign';
import { searchKeys } from '../../workflows/record/search-attributes';
import { campaignInput } from '../workflows/campaign-input';
import { fakeActivities } from '../workflows/fake-activities';
import { eventually } from '../workflows/temporal-fixture';

// A real server that counts what still runs on a version at intervals.
jest.setTimeout(120_000);

const DEPLOYMENT = 'seal';
/** As docs/fleet.md tells operators; theirs are minutes. */
const SOON = ['matching.wv.VersionDrainageStatusVisibilityGracePeriod="1s"', 'matching.wv.VersionDrainageStatusRefreshInterval="1s"'].flatMap((setting) => [
  '--dynamic-config-value',
  setting,
]);

let environment: TestWorkflowEnvironment;
let directory: string;
let temporal: string;
const stops: (() => Promise<void>)[] = [];
/** Lets the old campaign's fine-tunes end; workers cannot end before. */
let release = (): void => undefined;
const released = new Promise<void>((resolve) => (release = resolve));

beforeAll(async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR', () => undefined) });
  temporal = await serverBinary('temporal', () => undefined);
  directory = mkdtempSync(join(tmpdir(), 'seal-deployment-'));
  environment = await TestWorkflowEnvironment.createLocal({
    server: {
      executable: { type: 'existing-path', path: temporal },
      searchAttributes: Object.values(searchKeys),
      extraArgs: ['--log-level', 'never', ...SOON],
    },
  });
});

afterAll(async () => {
  release();
  await Promise.all(stops.map((stop) => stop()));
  await environment.teardown();
  rmSync(directory, { recursive: true, force: true });
});

/** Workers of a build, on both queues; they note which campaigns' activities they ran. */
async function startBuild(buildId: string, overrides: (note: (name: string) => void) => Partial<SealActivities> = () => ({})): Promise<Set<string>> {
  const ran = new Set<string>();
  const { activities } = fakeActivities(() => ({
    pinInputs: ({ campaignId }) => {
      ran.add(campaignId);
      return Promise.resolve({ campaignId, input: { sha256: '0'.repeat(64), sizeBytes: 1, mediaType: 'application/json' }, runId: 'run' });
    },
    // How workflows end only the server knows.
    awaitWorkflows: awaitWorkflows({ heartbeatIntervalMs: 200, workflows: new ServerWorkflows(environment.client) } as unknown as Services),
    ...overrides((name) => ran.add(name)),
  }));
  const workers = await createSealWorkers({
    connection: environment.nativeConnection,
    namespace: environment.namespace ?? 'default',
    queues: ['orchestration', 'bookkeeping', 'compute'],
    activities,
    deployment: { deploymentName: DEPLOYMENT, buildId },
    workflowBundle: await workflowBundle(directory),
  });
  let stop = (): void => undefined;
  const running = runWorkers(workers, new Promise<void>((resolve) => (stop = resolve)));
  stops.push(() => {
    stop();
    return running;
  });
  return ran;
}

/** What an operator types. */
async function deployment(...args: string[]): Promise<string> {
  const all = ['worker', 'deployment', ...args, '--address', environment.address, '--output', 'json'];
  return (await promisify(execFile)(temporal, all)).stdout;
}

async function makeCurrent(buildId: string): Promise<void> {
  // The server hears of a version from its workers' first polls.
  let lastRefusal = '';
  await eventually(`build ${buildId} to be known`, async () => {
    try {
      await deployment('set-current-version', '--deployment-name', DEPLOYMENT, '--build-id', buildId, '--yes');
      return true;
    } catch (error) {
      lastRefusal = String(error);
      return false;
    }
  }).catch(() => {
    throw new Error(`build ${buildId} was not made current: ${lastRefusal}`);
  });
}

async function drainage(buildId: string): Promise<string> {
  return String(JSON.parse(await deployment('describe-version', '--deployment-name', DEPLOYMENT, '--build-id', buildId)).drainageInfo?.drainageStatus ?? 'none');
}

function start(campaignId: string): Promise<WorkflowHandle<typeof campaignWorkflow>> {
  return environment.client.workflow.start<typeof campaignWorkflow>('campaignWorkflow', {
    workflowId: campaignId,
    taskQueue: ORCHESTRATION_QUEUE,
    args: [campaignInput(campaignId)],
  });
}

test('a campaign stays with the build that began it, new ones go to the current build, and the old one is drained when it is done', async () => {
  const first = await startBuild('one', (note) => ({
    fineTuneAdapters: async ({ scope, group: { from } }) => {
      note(`${scope.campaign.campaignId} fine-tunes`);
      const beating = setInterval(() => Context.current().heartbeat(), 500);
      await released;
      clearInterval(beating);
      return { members: [{ position: from, adapter: 'adapter' }] };
    },
  }));
  await makeCurrent('one');
  const old = await start('old');
  await eventually('the old campaign to be at its fine-tunes', () => first.has('old fine-tunes'));

  const second = await startBuild('two');
  await makeCurrent('two');
  const fresh = await start('fresh');
  await fresh.result();
  expect(await drainage('one')).toBe('draining');
  expect([...first]).toEqual(['old', 'old fine-tunes']);

  // What is left of the old campaign, its epoch and its candidates, is the old build's too.
  release();
  await old.result();
  expect([...second]).toEqual(['fresh']);
  await eventually('the old build to be drained', async () => (await drainage('one')) === 'drained', 60_000);
});
