import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { collectAbandoned, collectGarbage } from '../../housekeeping/collect-garbage';
import { deleteCampaign } from '../../housekeeping/delete-campaign';
import type { ArtifactRef } from '../../campaign/artifacts';
import { keyPrefixes, manifestKeys } from '../../record/keys';
import { type ArtifactStore, artifactKey } from '../../storage/artifact-store';
import { ContentAddressedStore } from '../../storage/content-addressed-store';
import { MemoryObjectClient } from '../../storage/memory-store';

const HOUR_MS = 3600 * 1000;
const ACTION = { by: 'anna', why: 'a trial' };
const nobody = (): Promise<readonly string[]> => Promise.resolve([]);
const later = (hours: number): Date => new Date(Date.now() + hours * HOUR_MS);

/** Its user is killed after so many removals. */
class DyingObjects extends MemoryObjectClient {
  removals = Number.POSITIVE_INFINITY;

  override remove(key: string): Promise<void> {
    if (this.removals === 0) return Promise.reject(new Error('killed'));
    this.removals -= 1;
    return super.remove(key);
  }
}

/** Every object is written again just before it is looked at by itself. */
class WantedObjects extends MemoryObjectClient {
  override async find(key: string): ReturnType<MemoryObjectClient['find']> {
    const found = await super.find(key);
    return found === null ? null : { ...found, modifiedMs: later(25).getTime() };
  }
}

interface Shelf {
  readonly objects: MemoryObjectClient;
  readonly store: ArtifactStore;
  readonly put: (text: string) => Promise<ArtifactRef>;
}

/** Campaigns `a` and `b` with an artifact of their own each, and one that they share. */
async function shelf(objects = new MemoryObjectClient()): Promise<Shelf & { readonly own: ArtifactRef; readonly shared: ArtifactRef; readonly others: ArtifactRef }> {
  const store = new ContentAddressedStore(objects);
  const put = (text: string): Promise<ArtifactRef> => store.put(Buffer.from(text), 'text/plain');
  const [own, shared, others] = [await put('of a'), await put('of both'), await put('of b')];
  const lineage = { inputs: {}, codeVersion: 'test', settings: {} };
  for (const [id, ref] of [['a', own], ['b', others]] as const) {
    await store.publish(manifestKeys.campaign(id), { kind: 'campaign', files: { 'input.json': ref, 'shared.json': shared }, lineage });
    await store.publish(manifestKeys.method(id, 'base'), { kind: 'method', files: { 'runs.json': ref }, lineage });
  }
  return { objects, store, put, own, shared, others };
}

function deletion(store: ArtifactStore, more: Partial<Parameters<typeof deleteCampaign>[0]> = {}) {
  return deleteCampaign({ campaignId: 'a', store, action: ACTION, refuseRunning: () => Promise.resolve(), removeWorkflows: () => Promise.resolve(3), held: nobody, now: later(3), ...more });
}

test('a deleted campaign is gone with what only it named, and who did it stands', async () => {
  const { store, own, shared, others } = await shelf();
  const result = await deletion(store);
  expect(result).toMatchObject({ campaignId: 'a', manifests: 2, artifacts: 1, left: 0, workflows: 3 });
  expect(await store.list(keyPrefixes.record('a'))).toEqual([]);
  expect([await store.has(own), await store.has(shared), await store.has(others)]).toEqual([false, true, true]);
  expect((await store.readManifest(result.tombstone)).summary).toMatchObject({ campaignId: 'a', ...ACTION });
  expect(await store.list(keyPrefixes.record('b'))).toHaveLength(2);
});

test('killed after any removal and run again, it ends with the same, and the first who and why', async () => {
  const whole = await shelf();
  const now = later(3);
  await deletion(whole.store, { now });
  const expected = await whole.store.list('');
  for (let survived = 0; ; survived += 1) {
    const objects = new DyingObjects();
    const { store } = await shelf(objects);
    objects.removals = survived;
    const isWhole = await deletion(store, { now }).then(() => true, () => false);
    objects.removals = Number.POSITIVE_INFINITY;
    if (isWhole) break;
    expect(await store.findManifest(manifestKeys.deletion('a'))).not.toBeNull();
    await deletion(store, { action: { by: 'bert', why: 'again' } });
    expect(await store.list('')).toEqual(expected);
    const [tombstone] = await store.list('tombstones/');
    expect((await store.readManifest(tombstone!)).summary).toMatchObject(ACTION);
    expect(survived).toBeLessThan(12);
  }
});

test('what was written lately is left to gc, though no other campaign ran when it was asked: one may have been started since', async () => {
  const { store, own } = await shelf();
  expect(await deletion(store, { now: later(1) })).toMatchObject({ artifacts: 0, left: 1 });
  expect(await store.has(own)).toBe(true);
});

test('who runs is asked when the workflows are gone: what a campaign holds that was started meanwhile is not removed', async () => {
  const { store, own } = await shelf();
  let isStarted = false;
  await deletion(store, {
    removeWorkflows: () => {
      isStarted = true;
      return Promise.resolve(1);
    },
    held: () => Promise.resolve(isStarted ? [own.sha256] : []),
  });
  expect(await store.has(own)).toBe(true);
});

test('a campaign that was started again before its deletion was written down is not deleted', async () => {
  const { store, own } = await shelf();
  const refuseRunning = (): Promise<void> => Promise.reject(new Error('it runs'));
  await expect(deletion(store, { refuseRunning })).rejects.toThrow('it runs');
  expect(await store.has(own)).toBe(true);
  expect(await store.findManifest(manifestKeys.campaign('a'))).not.toBeNull();
  expect(await store.findManifest(manifestKeys.deletion('a'))).toBeNull();
});

test('gc removes what nothing names and nobody has asked for lately, and nothing else', async () => {
  const { store, put, own, shared, others } = await shelf();
  const [orphan, held] = [await put('of nobody'), await put('of a campaign that was just started')];
  const collect = (hours: number, dryRun = false) => collectGarbage({ store, held: () => Promise.resolve([held.sha256]), graceMs: 24 * HOUR_MS, dryRun, now: later(hours) });
  expect(await collect(1)).toEqual({ dryRun: false, artifacts: 0, sizeBytes: 0, young: 1, uploads: 0 });
  expect(await collect(25, true)).toEqual({ dryRun: true, artifacts: 1, sizeBytes: 9, young: 0, uploads: 0 });
  expect(await store.has(orphan)).toBe(true);
  expect(await collect(25)).toMatchObject({ artifacts: 1, sizeBytes: 9 });
  expect(await Promise.all([orphan, held, own, shared, others].map((ref) => store.has(ref)))).toEqual([false, true, true, true, true]);
});

test('what is named while gc reads the other manifests is not removed', async () => {
  const { store, put } = await shelf();
  const orphan = await put('named at the last moment');
  let asked = 0;
  const held = async (): Promise<readonly string[]> => {
    asked += 1;
    if (asked === 2) await store.publish(manifestKeys.method('b', 'late'), { kind: 'method', files: { 'runs.json': orphan }, lineage: { inputs: {}, codeVersion: 'test', settings: {} } });
    return [];
  };
  expect(await collectGarbage({ store, held, graceMs: 24 * HOUR_MS, dryRun: false, now: later(25) })).toMatchObject({ artifacts: 0 });
  expect(await store.has(orphan)).toBe(true);
});

test('an old artifact that is put again, and so not uploaded for its content, is young: gc and delete leave it to who will name it', async () => {
  const { store, put, own } = await shelf();
  const orphan = await put('old, and wanted again');
  const clock = jest.spyOn(Date, 'now');
  clock.mockReturnValue(later(48).getTime());
  await put('old, and wanted again');
  await put('of a');
  clock.mockRestore();
  expect(await collectGarbage({ store, held: nobody, graceMs: 24 * HOUR_MS, dryRun: false, now: later(49) })).toMatchObject({ artifacts: 0, young: 1 });
  expect(await deletion(store, { now: later(49) })).toMatchObject({ artifacts: 0, left: 1 });
  expect(await Promise.all([orphan, own].map((ref) => store.has(ref)))).toEqual([true, true]);
});

test('an artifact that is asked for again while gc looks is left alone', async () => {
  const { store, put } = await shelf(new WantedObjects());
  const orphan = await put('wanted after all');
  expect(await collectGarbage({ store, held: nobody, graceMs: 24 * HOUR_MS, dryRun: false, now: later(25) })).toMatchObject({ artifacts: 0, young: 1 });
  expect(await store.has(orphan)).toBe(true);
});

test('gc removes uploads that nobody finished before the grace period began, a dry run none of them', async () => {
  const removeUnfinished = jest.fn(() => Promise.resolve(2));
  const { store } = await shelf(Object.assign(new MemoryObjectClient(), { removeUnfinished }));
  const now = later(25);
  for (const dryRun of [true, false]) expect(await collectGarbage({ store, held: nobody, graceMs: 24 * HOUR_MS, dryRun, now })).toMatchObject({ uploads: 2 });
  expect(removeUnfinished.mock.calls).toEqual([true, false].map((dryRun) => [now.getTime() - 24 * HOUR_MS, dryRun]));
});

test('nothing is removed as long as a manifest cannot be read', async () => {
  const { objects, store, put } = await shelf();
  const orphan = await put('of nobody');
  await objects.write(manifestKeys.method('b', 'oracle'), Buffer.from('{'), { mediaType: '', sha256: '', sizeBytes: 1, ifAbsent: false });
  await expect(collectGarbage({ store, held: nobody, graceMs: 24 * HOUR_MS, dryRun: false, now: later(25) })).rejects.toMatchObject({
    name: 'ArtifactCorruptError',
    message: expect.stringContaining('oracle.json'),
  });
  await expect(deletion(store)).rejects.toMatchObject({ name: 'ArtifactCorruptError' });
  expect(await objects.find(artifactKey(orphan))).not.toBeNull();
});

test('a cache is cleaned of what killed processes left, not of what one that lives is in the middle of', async () => {
  const cache = mkdtempSync(join(tmpdir(), 'seal-cache-'));
  const alive = spawn('sleep', ['60']);
  const dead = spawnSync('true');
  const half = (name: string, pid: number): string => join(cache, `${name}.${pid}@${hostname()}.00000000-0000-4000-8000-000000000000.partial`);
  const left = [half('adapters/a', dead.pid), half('work/scratch', dead.pid)];
  const kept = [join(cache, 'adapters/whole'), half('work/scratch', alive.pid!)];
  for (const path of [...left, ...kept]) mkdirSync(path, { recursive: true });
  try {
    expect(await collectAbandoned(cache, true)).toEqual(left);
    expect(await collectAbandoned(cache, false)).toEqual(left);
    expect([...left, ...kept].map((path) => existsSync(path))).toEqual([false, false, true, true]);
  } finally {
    alive.kill('SIGKILL');
    rmSync(cache, { recursive: true });
  }
});
