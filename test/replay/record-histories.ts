/**
 * `node dist/test/replay/record-histories.js NAME`: runs small campaigns with fake activities and stores the history of each
 * kind of their workflows under `test/replay/NAME/`. From 1.0 on a changed workflow gets its `patched()` and a new set, and older histories stay.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ApplicationFailure, WithStartWorkflowOperation } from '@temporalio/client';
import { type CampaignInput, ORCHESTRATION_QUEUE } from '../../campaign/campaign';
import { packageRoot } from '../../infra/stack/package-root';
import type { campaignWorkflow } from '../../workflows/campaign';
import { pauseUpdate, resumeUpdate, retryFailedUpdate } from '../../workflows/messages';
import { campaignInput } from '../workflows/campaign-input';
import { fakeActivities } from '../workflows/fake-activities';
import { eventually, TemporalFixture } from '../workflows/temporal-fixture';
import { type History, writeHistory } from './stored-history';

const OPERATOR = { by: 'recorder', why: 'updates belong into histories' };

async function record(name: string): Promise<void> {
  const directory = join(packageRoot(), 'test', 'replay', name);
  mkdirSync(directory, { recursive: true });
  const temporal = await TemporalFixture.start();
  const { client } = temporal.environment;
  /** Every run of a workflow's chain; the latest has no number, the one before it 1, and so on. */
  const store = async (workflowId: string): Promise<void> => {
    let { runId } = await client.workflow.getHandle(workflowId).describe();
    for (let before = 0; runId !== ''; before += 1) {
      const history: History = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      writeHistory(join(directory, `${workflowId.replaceAll('/', '_')}${before === 0 ? '' : `@${before}`}.history`), history);
      runId = history.events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId ?? '';
    }
  };
  await recordPlain(temporal);
  for (const id of ['', '/epoch-1', '/epoch-1/train0/c1', '/epoch-1/train1/c2', '/epoch-1/group-0-1', '/evaluation/base', '/evaluation/self-edits']) await store(`recorded${id}`);
  const archives = await recordPaged(temporal);
  for (const id of ['', '/epoch-1', '/epoch-1.v2', '/epoch-1/train0/c2', '/epoch-1/train1/c1', ...archives]) await store(`paged${id}`);
  await temporal.stop();
}

/** Each kind of workflow, in one run, with operator actions and a rejected candidate. */
async function recordPlain(temporal: TemporalFixture): Promise<void> {
  const fakes = fakeActivities(() => ({
    validateSelfEdit: ({ position }) => Promise.resolve(position === 3 ? { accepted: false, reason: 'empty' } : { accepted: true }),
  }));
  await temporal.withActivities(fakes.activities, async () => {
    const input = campaignInput('recorded', {
      epochs: 2,
      evaluation: { baselines: ['base', 'passage-only-step-matched'] },
      reward: { grader: 'logprob' },
      concurrency: { candidates: 4, group: 2 },
    });
    const handle = await temporal.start(input);
    await handle.executeUpdate(pauseUpdate, { args: [OPERATOR] });
    await handle.executeUpdate(resumeUpdate, { args: [OPERATOR] });
    await handle.result();
  });
}

/** Many runs, attempts by class, and a retry of what failed. @returns the archivist's ids, without the campaign's */
async function recordPaged(temporal: TemporalFixture): Promise<string[]> {
  let attempts = 0;
  let isBroken = true;
  const answer = fakeActivities().activities;
  const fakes = fakeActivities(() => ({
    fineTuneAdapters: (task) => {
      const fail = (type: string) => {
        const failure = ApplicationFailure.nonRetryable('on purpose', type);
        // It would hold this machine's paths.
        failure.stack = '';
        return Promise.reject(failure);
      };
      if (task.scope.scope === 'epoch-1' && task.group.from === 1 && (attempts += 1) <= 2) return fail('OutOfMemoryError');
      if (task.scope.scope === 'epoch-1' && task.group.from === 2 && isBroken) return fail('ComputeProcessDiedError');
      return answer.fineTuneAdapters(task);
    },
  }));
  return temporal.withActivities(fakes.activities, async () => {
    const plain = campaignInput('paged', { contexts: 10, proposals: { k: 2 }, concurrency: { candidates: 4 } });
    const input: CampaignInput = { ...plain, timings: { ...plain.timings, eventsPerRun: 60 } };
    const { snapshot } = await (await temporal.start(input)).result();
    isBroken = false;
    const startWorkflowOperation = new WithStartWorkflowOperation<typeof campaignWorkflow>('campaignWorkflow', {
      workflowId: input.campaignId,
      taskQueue: ORCHESTRATION_QUEUE,
      args: [input, snapshot],
      workflowIdConflictPolicy: 'FAIL',
    });
    await temporal.environment.client.workflow.executeUpdateWithStart(retryFailedUpdate, { args: [OPERATOR], startWorkflowOperation });
    await (await startWorkflowOperation.workflowHandle()).result();
    const archives: string[] = [];
    await eventually('an archivist to end', async () => {
      const query = `WorkflowType = 'archivistWorkflow' AND ExecutionStatus = 'Completed' AND WorkflowId STARTS_WITH 'paged'`;
      for await (const { workflowId } of temporal.environment.client.workflow.list({ query })) archives.push(workflowId.slice('paged'.length));
      return archives.length > 0;
    });
    return archives.slice(0, 1);
  });
}

const [name] = process.argv.slice(2);
if (name === undefined) throw new Error('expected a name for the folder under test/replay');
void record(name);
