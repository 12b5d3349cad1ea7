import { join } from 'node:path';
import type { WorkflowHandle } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { bundleWorkflowCode, DefaultLogger, type InjectedSinks, Runtime, Worker, type WorkerOptions, type WorkflowBundle } from '@temporalio/worker';
import { serverBinary } from '../../infra/stack/server-binaries';
import type { EndedWorkflow, TraceSinks } from '../../telemetry/in-workflow/workflow-spans';
import { eventually } from '../workflows/temporal-fixture';

jest.setTimeout(300_000);

const logger = new DefaultLogger('ERROR', () => undefined);
const interceptors = join(__dirname, '..', '..', 'telemetry', 'in-workflow', 'workflow-spans');
const ended: EndedWorkflow[] = [];
const sinks: InjectedSinks<TraceSinks> = { sealTraces: { ended: { fn: (_info, workflow) => void ended.push(workflow), callDuringReplay: false } } };

let environment: TestWorkflowEnvironment;
let bundles: Record<'plain' | 'traced', WorkflowBundle>;
beforeAll(async () => {
  Runtime.install({ logger });
  const path = await serverBinary('temporal', () => undefined);
  environment = await TestWorkflowEnvironment.createLocal({ server: { executable: { type: 'existing-path', path }, extraArgs: ['--log-level', 'never'] } });
  const workflowsPath = join(__dirname, '..', 'fixtures', 'mixed', 'workflows.js');
  bundles = {
    plain: await bundleWorkflowCode({ workflowsPath, logger }),
    traced: await bundleWorkflowCode({ workflowsPath, logger, workflowInterceptorModules: [interceptors] }),
  };
});
afterAll(() => environment.teardown());

function worker(options: Pick<WorkerOptions, 'taskQueue' | 'workflowBundle' | 'activities'>): Promise<Worker> {
  return Worker.create({ connection: environment.nativeConnection, namespace: 'default', sinks, ...options });
}

async function pending(handle: WorkflowHandle): Promise<number> {
  const { raw } = await handle.describe();
  return (raw.pendingActivities?.length ?? 0) + (raw.pendingChildren?.length ?? 0);
}

/** Runs `mixed` so that it hears of its activity's and its child's end at once: both come while nobody takes its tasks. */
async function history(name: keyof typeof bundles) {
  const { workflow } = environment.client;
  const handle = await workflow.start('mixed', { taskQueue: 'mixed', workflowId: name });
  const first = await worker({ taskQueue: 'mixed', workflowBundle: bundles[name] });
  await first.runUntil(() => eventually('both to be started', async () => (await pending(handle)) === 2));
  const nothing = (): Promise<void> => Promise.resolve();
  const others = [
    await worker({ taskQueue: 'activities', activities: { first: nothing, afterActivity: nothing, afterChild: nothing } }),
    await worker({ taskQueue: 'children', workflowBundle: bundles[name] }),
  ];
  await others[0]!.runUntil(
    others[1]!.runUntil(async () => {
      await eventually('both to have ended', async () => (await pending(handle)) === 0);
      await (await worker({ taskQueue: 'mixed', workflowBundle: bundles[name] })).runUntil(handle.result());
    }),
  );
  return handle.fetchHistory();
}

test('what is traced gives the same commands in the same order, and replays where nothing is traced, and the other way round', async () => {
  const histories = { plain: await history('plain'), traced: await history('traced') };
  const orderOf = ({ events }: (typeof histories)['plain']) => events?.flatMap(({ activityTaskScheduledEventAttributes }) => activityTaskScheduledEventAttributes?.activityType?.name ?? []);
  expect(orderOf(histories.traced)).toEqual(orderOf(histories.plain));
  for (const made of ['plain', 'traced'] as const) {
    for (const workflowBundle of Object.values(bundles)) {
      await expect(Worker.runReplayHistory({ workflowBundle }, histories[made], made)).resolves.toBeUndefined();
    }
  }
});

test('the ends of traced workflows are told once, the child under its parent, in the trace that both have from the run', () => {
  const [child, parent] = ended;
  expect(ended).toMatchObject([
    { workflowType: 'child', parentSpanId: parent!.spanId, failedWith: null },
    { workflowType: 'mixed', parentSpanId: null, failedWith: null },
  ]);
  expect(child!.traceId).toBe(parent!.traceId);
});

test('runs of one workflow are siblings in one trace, whether a parent has begun it or nobody', async () => {
  ended.length = 0;
  const traced = await worker({ taskQueue: 'children', workflowBundle: bundles.traced });
  await traced.runUntil(async () => {
    await environment.client.workflow.execute('parentOfAgain', { taskQueue: 'children', workflowId: 'parent' });
    await environment.client.workflow.execute('again', { taskQueue: 'children', workflowId: 'alone', args: [1] });
  });
  const parent = ended.find(({ workflowType }) => workflowType === 'parentOfAgain')!;
  const [below, alone] = [true, false].map((child) => ended.filter(({ workflowType, workflowId }) => workflowType === 'again' && (workflowId !== 'alone') === child));
  expect(below).toHaveLength(3);
  for (const run of below!) expect(run).toMatchObject({ traceId: parent.traceId, parentSpanId: parent.spanId, failedWith: null });
  expect(new Set(below!.map(({ spanId }) => spanId)).size).toBe(3);
  expect(alone).toHaveLength(2);
  expect(alone!.map(({ parentSpanId }) => parentSpanId)).toEqual([null, null]);
  expect(new Set(alone!.map(({ traceId }) => traceId)).size).toBe(1);
});
