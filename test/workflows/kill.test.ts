import { copyFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { fileOf, getJson, putJson } from '../../activities/stored-json';
import type { SelectionRecord } from '../../activities/train-policy';
import { prepareCampaign } from '../../cli/prepare-campaign';
import { type CampaignInput, manifestKeys, ORCHESTRATION_QUEUE, workflowIds } from '../../contracts/campaign';
import type { Context } from '../../contracts/campaign-spec';
import { startStack, stopStack } from '../../infra/stack/stack';
import { packageRoot } from '../../infra/stack/package-root';
import { contextId } from '../../seal/ids';
import type { ArtifactStore } from '../../storage/artifact-store';
import { openStoreFromEnvironment } from '../../storage/open-store';
import type { campaignWorkflow } from '../../workflows/campaign';
import { FAST_TIMINGS } from './campaign-input';
import { eventually } from './temporal-fixture';
import { writeTinyModel } from './tiny-model';
import { isRunning, WorkerProcess } from './worker-process';

// Two campaigns with a real engine beside whatever else the machine does.
jest.setTimeout(600_000);

const LIMIT_MS = 300_000;

let home: string;
let store: ArtifactStore;
let connection: Connection;
let client: Client;
let environment: Record<string, string>;
const workers: WorkerProcess[] = [];

beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'seal-kill-'));
  const fixture = join(packageRoot(), 'test', 'fixtures', 'kill');
  for (const name of ['campaign.yaml', 'world.yaml']) copyFileSync(join(fixture, name), join(home, name));
  writeTinyModel(join(home, 'model'), 5);
  const { temporal } = await startStack({ home, ports: { temporal: 0, ui: null, s3: 0 }, worker: false });
  if (temporal === null) throw new Error('no Temporal server was started');
  environment = { TEMPORAL_ADDRESS: temporal.address, TEMPORAL_NAMESPACE: temporal.namespace, SEAL_HOME: home };
  store = await openStoreFromEnvironment({ SEAL_HOME: home });
  connection = await Connection.connect({ address: temporal.address });
  client = new Client({ connection, namespace: temporal.namespace });
});

afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.end('SIGKILL')));
  await connection.close();
  store.close();
  await stopStack({ home });
  rmSync(home, { recursive: true, force: true });
});

function startWorker(): WorkerProcess {
  const worker = new WorkerProcess(environment, join(home, 'worker.log'));
  workers.push(worker);
  return worker;
}

async function start(campaignId: string): Promise<{ readonly input: CampaignInput; readonly ended: Promise<unknown> }> {
  const { spec, specSha256, model, contexts } = await prepareCampaign(join(home, 'campaign.yaml'));
  const refs = (list: readonly Context[]) => list.map(({ title, context }, index) => ({ id: contextId(title, context), index }));
  const input: CampaignInput = {
    campaignId,
    spec,
    specSha256,
    codeVersion: 'test',
    model,
    train: await putJson(store, contexts.train),
    heldOut: await putJson(store, contexts.heldOut),
    trainContexts: refs(contexts.train),
    heldOutContexts: refs(contexts.heldOut),
    timings: { ...FAST_TIMINGS, retryMaximumMs: 2_000, bookkeepingMs: 60_000 },
  };
  const handle = await client.workflow.start<typeof campaignWorkflow>('campaignWorkflow', {
    workflowId: workflowIds.campaign(campaignId),
    taskQueue: ORCHESTRATION_QUEUE,
    args: [input],
  });
  const ended = handle.result().catch((error: unknown) => {
    throw new Error(`${campaignId}: ${String(error)}\n${readFileSync(join(home, 'worker.log'), 'utf8').slice(-3000)}`);
  });
  return { input, ended };
}

/** What must not depend on kills: every adapter's weights, what was selected, the policies, the scores. */
async function results({ campaignId, spec, trainContexts }: CampaignInput): Promise<Record<string, unknown>> {
  const found: Record<string, unknown> = {};
  const note = async (key: string, file: string): Promise<void> => {
    const manifest = await store.readManifest(key);
    found[key.replace(`campaigns/${campaignId}/`, '')] = fileOf(key, manifest, file).sha256;
  };
  for (let epoch = 1; epoch <= spec.epochs; epoch += 1) {
    for (const { id } of trainContexts) {
      for (let candidate = 1; candidate <= spec.proposals.k; candidate += 1) {
        const record = (await store.readManifest(manifestKeys.candidate(campaignId, `epoch-${epoch}`, id, candidate))).summary;
        if (record?.['status'] === 'rejected') continue;
        for (let repeat = 1; repeat <= spec.innerLoop.repeats; repeat += 1) {
          await note(manifestKeys.adapter(campaignId, `epoch-${epoch}`, id, candidate, repeat), 'adapter_model.safetensors');
        }
      }
    }
    await note(manifestKeys.proposals(campaignId, `epoch-${epoch}`), 'proposals.json');
    await note(manifestKeys.selection(campaignId, epoch), 'selection.json');
    await note(manifestKeys.policy(campaignId, epoch), 'adapter_model.safetensors');
    await note(manifestKeys.method(campaignId, `seal-epoch-${epoch}`), 'runs.json');
  }
  for (const baseline of spec.evaluation.baselines) await note(manifestKeys.method(campaignId, baseline), 'runs.json');
  return found;
}

/** Candidates of the first epoch that are scored or rejected. */
async function recordsOf(campaignId: string): Promise<number> {
  return (await store.list(`campaigns/${campaignId}/epoch-1/`)).filter((key) => key.endsWith('/candidate.json')).length;
}

/** Candidates of an epoch whose workflow has ended. */
async function endedCandidates({ campaignId, trainContexts, spec }: CampaignInput, epoch: number): Promise<Map<string, unknown>> {
  const ended = new Map<string, unknown>();
  for (const { id } of trainContexts) {
    for (let candidate = 1; candidate <= spec.proposals.k; candidate += 1) {
      const workflowId = workflowIds.candidate(campaignId, epoch, id, candidate);
      try {
        const { status, runId, historyLength, closeTime } = await client.workflow.getHandle(workflowId).describe();
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
  const first = startWorker();
  const killed = await start('killed');
  await eventually('the first group of candidates to be scored', async () => (await recordsOf('killed')) >= 4, LIMIT_MS);
  const [compute] = first.computeProcesses();
  expect(await first.end('SIGKILL')).toBe('SIGKILL');
  expect(await recordsOf('killed')).toBeLessThan(12);
  const before = await endedCandidates(killed.input, 1);

  await eventually('the killed worker\'s language model to end', () => compute !== undefined && !isRunning(compute), LIMIT_MS);
  startWorker();
  await killed.ended;
  // Finished candidates are not touched again.
  const after = await endedCandidates(killed.input, 1);
  expect(after.size).toBe(12);
  for (const [workflowId, description] of before) expect([workflowId, after.get(workflowId)]).toEqual([workflowId, description]);

  const undisturbed = await start('undisturbed');
  await undisturbed.ended;
  const expected = await results(undisturbed.input);
  expect(Object.keys(expected).filter((key) => key.endsWith('adapter.json')).length).toBeGreaterThan(12);
  expect(await results(killed.input)).toEqual(expected);
  const key = manifestKeys.selection('killed', 1);
  const selection = await getJson<SelectionRecord>(store, fileOf(key, await store.readManifest(key), 'selection.json'));
  expect(selection.kept.length).toBeGreaterThan(0);
});

test('a worker asked to end in the middle of an epoch leaves no process behind, and the next one goes on to the same bits', async () => {
  const worker = workers.at(-1)!;
  const stopped = await start('stopped');
  await eventually('the first candidates to be scored', async () => (await recordsOf('stopped')) >= 4, LIMIT_MS);
  const computing = worker.computeProcesses();
  expect(await worker.end('SIGTERM')).toBe('exit 0');
  expect(computing.filter(isRunning)).toEqual([]);
  startWorker();
  await stopped.ended;
  expect(await results(stopped.input)).toEqual(await results({ ...stopped.input, campaignId: 'undisturbed' }));
});
