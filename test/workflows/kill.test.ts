import { differences, resultOf } from '../../chaos/committed';
import { type CampaignInput, workflowIds } from '../../campaign/campaign';
import { readCampaignData } from '../../record/documents/campaign';
import { selectionDocument, selectionFile } from '../../record/documents/epochs';
import { manifestKeys } from '../../record/keys';
import { DOMAINS } from '../../seal/domains/registry';
import { CampaignStack } from '../chaos/campaign-stack';
import { eventually } from './temporal-fixture';
import { isRunning, type WorkerProcess } from './worker-process';

// Two campaigns with a real engine beside whatever else the machine does.
jest.setTimeout(600_000);

const LIMIT_MS = 300_000;

let stack: CampaignStack;
let worker: WorkerProcess;

beforeAll(async () => {
  stack = await CampaignStack.start('kill');
});
afterAll(() => stack.stop());

/** What is not as another campaign of the same file committed it. */
async function unlikeUndisturbed(campaignId: string): Promise<string[]> {
  return differences(await stack.committed('undisturbed'), await stack.committed(campaignId), resultOf);
}

/** Candidates of an epoch whose workflow has ended. */
async function endedCandidates(input: CampaignInput, epoch: number): Promise<Map<string, unknown>> {
  const { campaignId, spec } = input;
  const ended = new Map<string, unknown>();
  for (const { id } of (await readCampaignData(stack.store, input, DOMAINS)).contexts.train) {
    for (let candidate = 1; candidate <= spec.proposals.k; candidate += 1) {
      const workflowId = workflowIds.candidate(campaignId, epoch, id, candidate);
      try {
        const { status, runId, historyLength, closeTime } = await stack.client.workflow.getHandle(workflowId).describe();
        if (closeTime !== undefined) ended.set(workflowId, { status: status.name, runId, historyLength, closeTime });
      } catch {
        // Not started yet.
        continue;
      }
    }
  }
  return ended;
}

test('a worker killed in the middle of an epoch and started again ends with the bits of an undisturbed run', async () => {
  const first = stack.startWorker();
  const killed = await stack.startCampaign('killed');
  await eventually('the first group of candidates to be scored', async () => (await stack.recordsOf('killed')) >= 4, LIMIT_MS);
  const [compute] = first.computeProcesses();
  expect(await first.end('SIGKILL')).toBe('SIGKILL');
  expect(await stack.recordsOf('killed')).toBeLessThan(12);
  const before = await endedCandidates(killed.input, 1);

  await eventually('the killed worker\'s language model to end', () => compute !== undefined && !isRunning(compute), LIMIT_MS);
  worker = stack.startWorker();
  await killed.ended;
  // Finished candidates are not touched again.
  const after = await endedCandidates(killed.input, 1);
  expect(after.size).toBe(12);
  for (const [workflowId, description] of before) expect([workflowId, after.get(workflowId)]).toEqual([workflowId, description]);

  const undisturbed = await stack.startCampaign('undisturbed');
  await undisturbed.ended;
  const adapters = [...(await stack.committed('undisturbed')).values()].filter(({ kind }) => kind === 'adapter');
  expect(adapters.length).toBeGreaterThan(12);
  expect(await unlikeUndisturbed('killed')).toEqual([]);
  const key = manifestKeys.selection('killed', 1);
  const selection = await selectionFile.read(stack.store, await selectionDocument.read(stack.store, key));
  expect(selection.kept.length).toBeGreaterThan(0);
});

test('a worker asked to end in the middle of an epoch leaves no process behind, and the next one goes on to the same bits', async () => {
  const stopped = await stack.startCampaign('stopped');
  await eventually('the first candidates to be scored', async () => (await stack.recordsOf('stopped')) >= 4, LIMIT_MS);
  const computing = [...worker.computeProcesses(), ...worker.computeProcesses('tokenizer')];
  expect(computing).toHaveLength(2);
  expect(await worker.end('SIGTERM')).toBe('exit 0');
  expect(computing.filter(isRunning)).toEqual([]);
  stack.startWorker();
  await stopped.ended;
  expect(await unlikeUndisturbed('stopped')).toEqual([]);
});
