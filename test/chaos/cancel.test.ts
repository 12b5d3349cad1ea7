import { leftoversIn, temporaryFilesIn } from '../../chaos/leftovers';
import { processesOf } from '../../chaos/process-table';
import { OwnProcesses } from '../../infra/stack/own-process';
import { stopStack } from '../../infra/stack/stack';
import { ensureWorker } from '../../infra/stack/worker';
import { keyPrefixes } from '../../record/keys';
import { cancelUpdate } from '../../workflows/messages';
import { eventually } from '../workflows/temporal-fixture';
import { CampaignStack } from './campaign-stack';

// Real servers and a real engine beside whatever else the machine does.
jest.setTimeout(600_000);

const LIMIT_MS = 180_000;

let stack: CampaignStack;
beforeAll(async () => {
  stack = await CampaignStack.start('cancel');
});
afterAll(() => stack.stop());

/** Of every workflow of the campaign. */
async function statuses(): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for await (const { workflowId, status } of stack.client.workflow.list()) if (!found.has(workflowId)) found.set(workflowId, status.name);
  return found;
}

test('a campaign cancelled in the middle of an epoch ends every child and every computation, and leaves nothing behind', async () => {
  const processes = new OwnProcesses(stack.home);
  const servers = { TEMPORAL_ADDRESS: stack.temporalAddress, TEMPORAL_NAMESPACE: stack.status.temporal!.namespace, SEAL_HOME: stack.home };
  await ensureWorker({ home: stack.home, processes, env: process.env, servers });
  const { ended } = await stack.startCampaign('cancelled');
  await eventually('candidates to be scored while others run', async () => (await stack.recordsOf('cancelled')) >= 1, LIMIT_MS);
  const during = await statuses();
  expect([...during].filter(([id, status]) => id.startsWith('cancelled/epoch-1/') && status === 'RUNNING').length).toBeGreaterThan(0);
  expect(await stack.recordsOf('cancelled')).toBeLessThan(12);

  await stack.client.workflow.getHandle('cancelled').executeUpdate(cancelUpdate, { args: [{ by: 'test', why: 'to see what is left' }] });
  expect(await ended).toMatchObject({ state: 'cancelled' });
  // The visibility store learns of an end a moment later.
  await eventually('every workflow to be closed', async () => ![...(await statuses()).values()].includes('RUNNING'), LIMIT_MS);

  // No computation goes on: nothing is published any more, nor made in the cache.
  const published = await stack.store.list('campaigns/cancelled/');
  expect(published.filter((key) => key.startsWith(keyPrefixes.checkpoints('cancelled')))).toEqual([]);
  expect(published.some((key) => key.startsWith('campaigns/cancelled/reports/cancelled-'))).toBe(true);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect(await stack.store.list('campaigns/cancelled/')).toEqual(published);
  // Neither does it hold the worker's cache: stack.json and the records of running processes are all that is unfinished.
  expect(temporaryFilesIn(stack.home).filter((file) => file.startsWith('cache/'))).toEqual([]);

  expect(processesOf(stack.home).length).toBeGreaterThan(0);
  await stopStack({ home: stack.home });
  expect(leftoversIn(stack.home)).toEqual([]);
});
