import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { trainingParts } from '../../activities/execution/less-memory';
import { inPartsSentence } from '../../report/computed-in-parts';
import type { Manifest } from '../../campaign/artifacts';
import { workflowIds } from '../../campaign/campaign';
import type { FineTuneJob } from '../../campaign/language-model';
import { startComputeProcess } from '../../engine/runtime/compute-client';
import { candidateDocument, type CandidateRecord, groupLossesFile } from '../../record/documents/candidates';
import { type CampaignReport, CANDIDATES_FILE, reportFile } from '../../record/documents/report';
import { type WorkRecord, workRecords } from '../../record/documents/work';
import { fileOf } from '../../record/json-file';
import { manifestKeys } from '../../record/keys';
import { MemoryGroup } from '../engine/runtime/memory-group';
import { CampaignStack } from './campaign-stack';
import { SELF_EDITS, writeHungryCampaign } from './hungry-campaign';
import { limitable, type MemoryLimit, peakAddressSpace } from './memory-limit';

// Two campaigns with a real engine beside whatever else the machine does.
jest.setTimeout(600_000);

const SCOPE = 'epoch-1';
/** Losses of the parts add up in another order than those of the whole. */
const ROUNDING = 2e-3;

const kind = limitable();
const whereLimited = kind === null ? test.skip : test;

let stack: CampaignStack;
beforeAll(async () => {
  stack = await CampaignStack.start('memory', writeHungryCampaign);
});
afterAll(() => stack.stop());

/** The most that a compute process takes for the campaign's group of fine-tunes in so many parts, as a limit of this kind counts it. */
async function peakOf(memoryParts: number): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'seal-peak-'));
  const group = kind === 'group' ? MemoryGroup.make(`peak-${memoryParts}`) : null;
  const compute = startComputeProcess();
  try {
    await compute.ping();
    const { pid } = compute;
    group?.add(pid!);
    const optimiser = { trainEpochs: 1, learningRate: 5e-3, batch: 2, schedule: 'linear', warmupSteps: 0, shuffle: true, clipNorm: 1, weightDecay: 0 } as const;
    const jobs = SELF_EDITS.map((lines, seed): FineTuneJob => ({ rows: lines.map((text) => ({ text })), optimiser, seed, outDirectory: join(directory, String(seed)) }));
    const { requests, gradientCheckpointing } = trainingParts(jobs, false, memoryParts);
    const lora = { rank: 4, alpha: 8, targets: 'all-linear' } as const;
    for (const some of requests) await compute.fineTune({ modelDirectory: join(stack.home, 'model'), lora, gradientCheckpointing, jobs: some });
    return group === null ? peakAddressSpace(pid!) : group.peakBytes;
  } finally {
    await compute.close();
    group?.remove();
    rmSync(directory, { recursive: true });
  }
}

interface Told {
  readonly report: CampaignReport;
  readonly csv: string;
  /** In planned order. */
  readonly candidates: readonly CandidateRecord[];
  readonly adapters: readonly Manifest[];
  readonly losses: Awaited<ReturnType<typeof groupLossesFile.get>>;
  readonly fineTunes: readonly WorkRecord[];
}

/** What a campaign has left of its epoch. */
async function told(campaignId: string, contextId: string): Promise<Told> {
  const { store } = stack;
  const key = manifestKeys.report(campaignId);
  const manifest = await store.readManifest(key);
  const report = await reportFile.read(store, { key, manifest });
  const csv = Buffer.from(await store.get(fileOf({ key, manifest }, CANDIDATES_FILE))).toString();
  const places = SELF_EDITS.map((_, i) => i + 1);
  const candidates = await Promise.all(
    places.map(async (place) => (await candidateDocument.read(store, manifestKeys.candidate(campaignId, SCOPE, contextId, place))).summary),
  );
  const adapters = await Promise.all(places.map((place) => store.readManifest(manifestKeys.adapter(campaignId, SCOPE, contextId, place, 1))));
  const losses = await groupLossesFile.get(store, adapters[0]!.files[groupLossesFile.name]!);
  const fineTunes = (await workRecords(store, campaignId)).filter((record) => record.kind === 'fine-tune' && record.scope === SCOPE);
  return { report, csv, candidates, adapters, losses, fineTunes };
}

/** Runs the campaign on a worker whose compute process may have no more than `limit`. */
async function runLimited(campaignId: string, limit: MemoryLimit | null): Promise<Told> {
  const preload = `--require ${join(__dirname, 'limited-compute.js')}`;
  const worker = stack.startWorker(limit === null ? {} : { NODE_OPTIONS: preload, SEAL_TEST_MEMORY_LIMIT: JSON.stringify(limit) });
  const { trainIds, ended } = await stack.startCampaign(campaignId);
  await ended;
  await worker.end('SIGTERM');
  return told(campaignId, trainIds[0]!);
}

/** Types of the failures that a workflow's history shows. */
async function failuresIn(workflowId: string): Promise<string[]> {
  const { events } = await stack.client.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap((event) => event.activityTaskFailedEventAttributes?.failure?.applicationFailureInfo?.type ?? []);
}

whereLimited('candidates whose fine-tunes do not fit into memory are computed in parts, scored, and named (needs a limit on memory)', async () => {
  const [whole, half] = [await peakOf(1), await peakOf(2)];
  expect(whole - half).toBeGreaterThan(100e6);
  const bytes = Math.round((whole + half) / 2);
  const group = kind === 'group' ? MemoryGroup.make('compute') : null;
  group?.limitBytes(bytes);

  const free = await runLimited('free', null);
  const tight = await runLimited('tight', group === null ? { kind: 'address space', bytes } : { kind: 'group', directory: group.directory });
  group?.remove();

  // Every candidate is scored, as without a limit but for rounding.
  expect(tight.candidates.map(({ status }) => status)).toEqual(SELF_EDITS.map(() => 'scored'));
  expect(tight.losses.flatMap(({ log }) => log)).toHaveLength(2 * SELF_EDITS.length);
  tight.losses.forEach(({ contextId, candidate, log }, i) => {
    const other = free.losses[i]!;
    expect([contextId, candidate]).toEqual([other.contextId, other.candidate]);
    log.forEach(({ loss, lossTokens }, step) => {
      expect(lossTokens).toBe(other.log[step]!.lossTokens);
      expect(Math.abs(loss - other.log[step]!.loss)).toBeLessThan(ROUNDING);
    });
  });

  // The lineage says what was really run, and the candidates' records with it.
  for (const { lineage } of tight.adapters) expect(lineage.settings).toMatchObject({ memoryParts: 2, requests: 1, optimiser: { batch: 2, accumulation: 2 } });
  for (const { lineage } of free.adapters) expect(lineage.settings).not.toHaveProperty('memoryParts');
  for (const candidate of tight.candidates) expect(candidate).toMatchObject({ memoryParts: 2 });

  // The attempt that did not fit, then the one that did.
  const attempts = tight.fineTunes.map(({ outcome, memoryParts = 1 }) => ({ outcome, memoryParts }));
  expect(attempts).toEqual(expect.arrayContaining([{ outcome: 'failed', memoryParts: 1 }, { outcome: 'done', memoryParts: 2 }]));
  expect(attempts.filter(({ outcome }) => outcome === 'done')).toHaveLength(1);
  expect(await failuresIn(workflowIds.group('tight', 1, { from: 0, to: SELF_EDITS.length }))).toContain('OutOfMemoryError');

  // The ledger has both, the report names the candidates.
  const trained = tight.fineTunes.reduce((sum, { seconds }) => sum + seconds, 0);
  expect(tight.report.ledger.trainSeconds).toBeGreaterThan(trained - 0.01);
  expect(tight.report.ledger.retries).toBeGreaterThanOrEqual(1);
  const [{ contextId }] = tight.losses as [(typeof tight.losses)[number]];
  const ids = SELF_EDITS.map((_, i) => workflowIds.candidate('tight', 1, contextId, i + 1));
  expect(tight.report.lessMemory).toEqual(expect.arrayContaining(ids.map((name) => ({ id: name, memoryParts: 2 }))));
  expect(inPartsSentence(tight.report.lessMemory)).toContain(`in up to 2 parts, the same but for rounding (${ids[0]!}, `);
  expect(free.report.lessMemory).toEqual([]);
  const [head, ...rows] = tight.csv.trimEnd().split('\r\n').map((line) => line.split(','));
  expect(rows.map((row) => row[head!.indexOf('memory_parts')])).toEqual(SELF_EDITS.map(() => '2'));
});
