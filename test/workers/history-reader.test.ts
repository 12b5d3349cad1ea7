import { Worker } from '@temporalio/worker';
import { decodeHistory, encodeHistory } from '../../activities/stored/history-bytes';
import { ServerHistories } from '../../workers/history-reader';
import { workflowBundle } from '../../workers/workflow-bundle';
import { campaignInput } from '../workflows/campaign-input';
import { fakeActivities } from '../workflows/fake-activities';
import { TemporalFixture } from '../workflows/temporal-fixture';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

jest.setTimeout(180_000);

let temporal: TemporalFixture;
let histories: ServerHistories;
let directory: string;
beforeAll(async () => {
  temporal = await TemporalFixture.start();
  histories = new ServerHistories(temporal.environment.client);
  directory = mkdtempSync(join(tmpdir(), 'seal-history-reader-'));
});
afterAll(async () => {
  await temporal.stop();
  rmSync(directory, { recursive: true, force: true });
});

test('reads histories that replay, the same bytes each time', async () => {
  await temporal.withActivities(fakeActivities().activities, async () => {
    const handle = await temporal.start(campaignInput('read', { epochs: 1 }));
    await handle.result();
    const bundle = await workflowBundle(directory);
    for (const workflowId of ['read', 'read/epoch-1', 'read/epoch-1/train0/c1']) {
      const found = await histories.fetch(workflowId);
      expect(found).toMatchObject({ workflowId, closed: true, continuedFrom: null });
      const again = await histories.fetch(workflowId, found!.runId);
      expect(Buffer.compare(found!.bytes, again!.bytes)).toBe(0);
      const history = decodeHistory(found!.bytes);
      expect(Buffer.compare(encodeHistory(history), found!.bytes)).toBe(0);
      await expect(Worker.runReplayHistory({ workflowBundle: bundle }, history, workflowId)).resolves.toBeUndefined();
    }
  });
});

test('knows nothing of a workflow or a run that the server does not have', async () => {
  await expect(histories.fetch('never-started')).resolves.toBeNull();
  await expect(histories.fetch('read', '00000000-0000-4000-8000-000000000000')).resolves.toBeNull();
});

test('sees that a workflow has not ended', async () => {
  await temporal.environment.client.workflow.start('campaignWorkflow', { workflowId: 'waiting', taskQueue: 'nobody-listens', args: [campaignInput('waiting')] });
  await expect(histories.fetch('waiting')).resolves.toMatchObject({ closed: false });
});
