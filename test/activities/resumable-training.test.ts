import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { MockActivityEnvironment } from '@temporalio/testing';
import { createActivities, type SealActivities } from '../../activities';
import type { GroupTask } from '../../activities/activity-types';
import { collectReport } from '../../report/collect-report';
import { type CampaignInput } from '../../campaign/campaign';
import type { FineTuneRequest, LanguageModel } from '../../campaign/language-model';
import type { Machine } from '../../campaign/machine';
import { modelFiles } from '../../engine/files/model-directory';
import { startComputeProcess } from '../../engine/runtime/compute-client';
import { workRecords } from '../../record/documents/work';
import { fileOf } from '../../record/json-file';
import { keyPrefixes, manifestKeys } from '../../record/keys';
import { type ArtifactStore, artifactKey } from '../../storage/artifact-store';
import { ContentAddressedStore } from '../../storage/content-addressed-store';
import { hashFile } from '../../storage/content-hash';
import { MemoryObjectClient } from '../../storage/memory-store';
import { writeTinyModel } from '../workflows/tiny-model';
import { storedSelection } from './stored-selection';
import { activityEnvironment, removedFixtures } from './activity-fixture';
import { DOMAINS } from '../../seal/domains/registry';

// Real compute processes that the kernel kills, over a store in memory.
jest.setTimeout(180_000);

const fixture = removedFixtures();
const directory = mkdtempSync(join(tmpdir(), 'seal-resumable-'));
const modelDirectory = join(directory, 'model');
const MACHINE: Machine = { instructionSet: 'avx2', cores: 2, threads: 1, onnxruntime: '1' };
beforeAll(() => writeTinyModel(modelDirectory, 5));
afterAll(() => rmSync(directory, { recursive: true }));

/** A checkpoint after every step, of enough steps for some of them to be stored before the last. */
const SPEC = {
  proposals: { k: 2, source: 'recorded' },
  innerLoop: { repeats: 1, rank: 4, trainEpochs: 30, dropout: 0.1, batch: 1 },
  mStep: { rank: 4, batch: 2, accumulation: 2, trainEpochs: 40 },
  limits: { checkpointSeconds: 0 },
};

/** Objects whose manifests a test may look at and whose bytes it may damage. */
class OpenObjects extends MemoryObjectClient {
  async damage(key: string): Promise<void> {
    const size = (await this.find(key))?.sizeBytes ?? 0;
    await this.write(key, new Uint8Array(size), { mediaType: '', ifAbsent: false, sha256: '', sizeBytes: size });
  }
}

interface Bench {
  readonly objects: OpenObjects;
  readonly store: ArtifactStore;
  readonly adapterTask: (campaignId: string) => Promise<GroupTask>;
}

async function bench(): Promise<Bench> {
  const objects = new OpenObjects();
  const store = new ContentAddressedStore(objects);
  const made = fixture(store);
  const adapterTask = async (campaignId: string): Promise<GroupTask> => {
    const scope = await made.proposed(await pinned(made.input(campaignId, SPEC), made.run.bind(made)), 'recorded');
    return { scope, group: { from: 1, to: 3 }, repeat: 1, repeats: 1 };
  };
  return { objects, store, adapterTask };
}

async function pinned(input: Promise<CampaignInput>, run: (name: 'pinInputs', input: CampaignInput) => ReturnType<SealActivities['pinInputs']>) {
  const files: Record<string, string> = {};
  for (const name of modelFiles(modelDirectory)) files[name] = (await hashFile(join(modelDirectory, name))).sha256;
  return run('pinInputs', { ...(await input), model: { directory: modelDirectory, files } });
}

type Training = 'fineTuneAdapters' | 'trainPolicy';

interface Attempt<Name extends Training> {
  readonly name: Name;
  readonly task: Parameters<SealActivities[Name]>[0];
  /** The kernel kills the compute process once a checkpoint of so many steps is in the store. */
  readonly killAt?: number;
  readonly machine?: Machine;
  /** Of the worker. @default the campaign's */
  readonly codeVersion?: string;
  readonly environment?: MockActivityEnvironment;
}

/** One attempt on a worker of its own: a cache of its own, a compute process of its own. */
async function attempt<Name extends Training>(store: ArtifactStore, { name, task, killAt, machine = MACHINE, codeVersion, environment }: Attempt<Name>) {
  const compute = startComputeProcess({ threads: 1 });
  const requests: FineTuneRequest[] = [];
  const model: LanguageModel = {
    ...compute,
    merge: compute.merge.bind(compute),
    close: compute.close.bind(compute),
    async fineTune(request, options) {
      requests.push(request);
      return compute.fineTune(request, options);
    },
  };
  const cacheDirectory = mkdtempSync(join(directory, 'cache-'));
  const activities = createActivities({ model, machine, ...(codeVersion !== undefined && { codeVersion }), store, cacheDirectory, heartbeatIntervalMs: 5 });
  const where = environment ?? activityEnvironment();
  const beats: { done: number; checkpoint?: { name: string; steps: number } }[] = [];
  where.on('heartbeat', (details: (typeof beats)[number] | undefined) => {
    if (details?.done === undefined) return;
    beats.push(details);
    if (killAt !== undefined && (details.checkpoint?.steps ?? 0) >= killAt && compute.pid !== undefined) process.kill(compute.pid, 'SIGKILL');
  });
  try {
    const run = activities[name] as (task: unknown) => Promise<unknown>;
    await where.run<[unknown], unknown, typeof run>(run, task);
    return { beats, requests, scratch: readdirSync(join(cacheDirectory, 'work')) };
  } finally {
    await compute.close();
  }
}

/** Of the attempt that ended well. */
async function redoneSteps(store: ArtifactStore, campaignId: string): Promise<number | undefined> {
  return (await workRecords(store, campaignId)).find(({ outcome, kind }) => outcome === 'done' && kind === 'fine-tune')?.spent.redoneSteps;
}

const checkpoints = (store: ArtifactStore, campaignId: string): Promise<string[]> => store.list(keyPrefixes.checkpoints(campaignId));

async function weights(store: ArtifactStore, campaignId: string): Promise<string[]> {
  const keys = (await store.list(`campaigns/${campaignId}/`)).filter((key) => key.endsWith('/adapter.json'));
  return Promise.all(keys.map(async (key) => fileOf({ key, manifest: await store.readManifest(key) }, 'adapter_model.safetensors').sha256));
}

/** The code that each adapter's lineage names beside the campaign's. */
async function computedByCode(store: ArtifactStore, campaignId: string): Promise<unknown[]> {
  const keys = (await store.list(`campaigns/${campaignId}/`)).filter((key) => key.endsWith('/adapter.json'));
  return Promise.all(keys.map(async (key) => ((await store.readManifest(key)).lineage.settings['compute'] as { codeVersion?: string }).codeVersion));
}

const killed = <Name extends Training>(store: ArtifactStore, asked: Attempt<Name>): Promise<void> =>
  expect(attempt(store, asked)).rejects.toThrow('SIGKILL');

test('a killed fine-tune goes on from the store on another worker, as another execution of the activity, to the same bits', async () => {
  const { store, adapterTask } = await bench();
  const undisturbed = await attempt(store, { name: 'fineTuneAdapters', task: await adapterTask('whole') });
  expect(undisturbed.beats.length).toBeGreaterThan(0);
  expect(await checkpoints(store, 'whole')).toEqual([]);

  const task = await adapterTask('killed');
  await killed(store, { name: 'fineTuneAdapters', task, killAt: 3 });
  await killed(store, { name: 'fineTuneAdapters', task, killAt: 8 });
  const left = await checkpoints(store, 'killed');
  expect(left.length).toBeGreaterThanOrEqual(1);
  expect(left.length).toBeLessThanOrEqual(2);
  const before = await store.list('sha256/');
  const resumed = await attempt(store, { name: 'fineTuneAdapters', task });
  const [checkpoint] = resumed.beats.flatMap((beat) => beat.checkpoint ?? []);
  expect(checkpoint?.steps).toBeGreaterThanOrEqual(8);
  expect(await weights(store, 'killed')).toEqual(await weights(store, 'whole'));
  expect(await redoneSteps(store, 'killed')).toBe(0);
  // Of the checkpoints nothing is left, neither their manifests nor their bytes, on no side.
  expect(await checkpoints(store, 'killed')).toEqual([]);
  const after = new Set(await store.list('sha256/'));
  expect(before.filter((key) => !after.has(key))).toHaveLength(left.length);
  expect(resumed.scratch).toEqual([]);
});

test('steps after the last checkpoint are counted as done again, as far as a heartbeat had told of them', async () => {
  const { store, adapterTask } = await bench();
  const task = await adapterTask('redone');
  await killed(store, { name: 'fineTuneAdapters', task, killAt: 4 });
  const steps = Number(/-(\d{12})\.json/.exec((await checkpoints(store, 'redone')).at(-1) ?? '')?.[1]);
  const environment = activityEnvironment();
  Object.assign(environment.context.info, { heartbeatDetails: { done: steps + 3, total: 20, unit: 'steps' } });
  await attempt(store, { name: 'fineTuneAdapters', task, environment });
  expect(await redoneSteps(store, 'redone')).toBe(3);
});

test('a checkpoint with other bytes than its hash is passed over, and with none left the training starts over', async () => {
  const { store, objects, adapterTask } = await bench();
  await attempt(store, { name: 'fineTuneAdapters', task: await adapterTask('whole') });
  const task = await adapterTask('damaged');
  await killed(store, { name: 'fineTuneAdapters', task, killAt: 6 });
  const left = await checkpoints(store, 'damaged');
  for (const key of left) await objects.damage(artifactKey(fileOf({ key, manifest: await store.readManifest(key) }, 'checkpoint.safetensors')));
  await attempt(store, { name: 'fineTuneAdapters', task });
  expect(await redoneSteps(store, 'damaged')).toBeGreaterThanOrEqual(6);
  expect(await weights(store, 'damaged')).toEqual(await weights(store, 'whole'));
  expect(await checkpoints(store, 'damaged')).toEqual([]);
});

test('a machine of another kind starts over, and leaves no checkpoint of either', async () => {
  const { store, adapterTask } = await bench();
  const task = await adapterTask('moved');
  await killed(store, { name: 'fineTuneAdapters', task, killAt: 5 });
  const { beats } = await attempt(store, { name: 'fineTuneAdapters', task, machine: { ...MACHINE, instructionSet: 'avx512f' } });
  expect(beats[0]?.done).toBeLessThan(5);
  expect(await redoneSteps(store, 'moved')).toBeGreaterThanOrEqual(5);
  expect(await checkpoints(store, 'moved')).toEqual([]);
});

test('another version of the code starts over, and the lineage of what it computes names it', async () => {
  const { store, adapterTask } = await bench();
  const task = await adapterTask('upgraded');
  await killed(store, { name: 'fineTuneAdapters', task, killAt: 5 });
  const { beats } = await attempt(store, { name: 'fineTuneAdapters', task, codeVersion: '0.2.0+later' });
  expect(beats[0]?.done).toBeLessThan(5);
  expect(await redoneSteps(store, 'upgraded')).toBeGreaterThanOrEqual(5);
  expect(await checkpoints(store, 'upgraded')).toEqual([]);
  await attempt(store, { name: 'fineTuneAdapters', task: await adapterTask('same'), codeVersion: 'test' });
  expect(await computedByCode(store, 'upgraded')).toEqual(['0.2.0+later', '0.2.0+later']);
  expect(await computedByCode(store, 'same')).toEqual([undefined, undefined]);
  const otherCode = async (id: string) => (await collectReport(store, id, 'running', 0, DOMAINS)).lineage.otherCode;
  expect(await otherCode('upgraded')).toEqual([{ version: '0.2.0+later', computations: 1 }]);
  expect(await otherCode('same')).toEqual([]);
});

test('an M-step goes on too', async () => {
  const { store, adapterTask } = await bench();
  const hashes: string[] = [];
  for (const campaignId of ['m-whole', 'm-killed']) {
    const { scope } = await adapterTask(campaignId);
    if (scope.rows.kind !== 'proposals') throw new Error('expected proposals');
    const task = await storedSelection(store, { campaign: scope.campaign, epoch: 1, proposals: scope.rows.proposals, kept: [0, 1, 2, 3, 5] });
    if (campaignId === 'm-killed') await killed(store, { name: 'trainPolicy', task, killAt: 3 });
    const { beats } = await attempt(store, { name: 'trainPolicy', task });
    if (campaignId === 'm-killed') expect(beats[0]?.done).toBeGreaterThanOrEqual(3);
    const key = manifestKeys.policy(campaignId, 1);
    hashes.push(fileOf({ key, manifest: await store.readManifest(key) }, 'adapter_model.safetensors').sha256);
    expect(await checkpoints(store, campaignId)).toEqual([]);
  }
  expect(hashes[1]).toBe(hashes[0]);
});
