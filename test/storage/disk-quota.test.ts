import promises from 'node:fs/promises';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheBytes, diskQuotaBytes } from '../../settings/home';
import { DiskGuard, diskUse, diskWarning } from '../../storage/disk-quota';

const MIB = 2 ** 20;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-quota-'));
  mkdirSync(join(directory, 'deep'));
  writeFileSync(join(directory, 'deep', 'file'), Buffer.alloc(MIB));
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(directory, { recursive: true });
});

test.each([
  [4, 'ok'],
  [1.05, 'warning'],
  [0.5, 'full'],
])('1 MiB of %d MiB is %s', async (mebibytes, state) => {
  expect(await diskUse(directory, mebibytes * MIB)).toMatchObject({ usedBytes: MIB, state });
});

/** Something happens before each directory is read. @returns how many were */
function beforeEachLook(happens: (path: string) => void): () => number {
  const readdir = promises.readdir.bind(promises);
  let looks = 0;
  jest.spyOn(promises, 'readdir').mockImplementation((async (path: string, options: object) => {
    looks += 1;
    happens(path);
    return readdir(path, options);
  }) as never);
  return () => looks;
}

test('without a quota nobody walks through the directory: what its disk has free decides', async () => {
  const looks = beforeEachLook(() => undefined);
  expect(await diskUse(directory, null)).toMatchObject({ usedBytes: null, state: 'ok' });
  expect(looks()).toBe(0);
});

test('a directory or file that vanishes while its bytes are counted takes none', async () => {
  writeFileSync(join(directory, 'stays'), Buffer.alloc(1000));
  beforeEachLook((path) => {
    if (path.endsWith('deep')) rmSync(path, { recursive: true });
  });
  expect(await diskUse(directory, MIB)).toMatchObject({ usedBytes: 1000, state: 'ok' });
});

test('a look at the disk that failed is not remembered: the next fine-tune looks again', async () => {
  const guard = new DiskGuard(directory, 4 * MIB, { warn: () => undefined });
  let isBroken = true;
  const looks = beforeEachLook(() => {
    if (isBroken) throw Object.assign(new Error('it cannot be read'), { code: 'EIO' });
  });
  await expect(guard.refuseFull()).rejects.toThrow('it cannot be read');
  isBroken = false;
  await guard.refuseFull();
  const before = looks();
  await guard.refuseFull();
  expect(looks()).toBe(before);
});

test('the quota is a number of GiB', () => {
  expect(diskQuotaBytes({})).toBeNull();
  expect(diskQuotaBytes({ SEAL_DISK_QUOTA_GB: '0.5' })).toBe(2 ** 29);
  for (const wrong of ['0', '-1', '5GB', 'much']) expect(() => diskQuotaBytes({ SEAL_DISK_QUOTA_GB: wrong })).toThrow(`SEAL_DISK_QUOTA_GB: expected a number of GiB above 0, got "${wrong}"`);
});

test('the cache has the bytes that it is given, or half of the quota', () => {
  expect(cacheBytes({})).toBeNull();
  expect(cacheBytes({ SEAL_DISK_QUOTA_GB: '4' })).toBe(2 ** 31);
  expect(cacheBytes({ SEAL_DISK_QUOTA_GB: '4', SEAL_CACHE_GB: '3' })).toBe(3 * 2 ** 30);
  expect(() => cacheBytes({ SEAL_CACHE_GB: 'much' })).toThrow('SEAL_CACHE_GB: expected a number of GiB above 0, got "much"');
});

test('no work waits for room that the cache can make', async () => {
  const said: string[] = [];
  const makeRoom = jest.fn(() => Promise.resolve(rmSync(join(directory, 'deep'), { recursive: true })));
  const guard = new DiskGuard(directory, MIB, { warn: (line) => said.push(line), makeRoom, everyMs: 0 });
  await guard.refuseFull();
  await guard.refuseFull();
  expect(makeRoom).toHaveBeenCalledTimes(1);
  expect(said).toEqual([]);
});

test('work waits while the disk is full, is told why, and goes on once there is room', async () => {
  const said: string[] = [];
  const guard = new DiskGuard(directory, MIB, { warn: (line) => said.push(line), everyMs: 0 });
  await expect(guard.refuseFull()).rejects.toMatchObject({ name: 'DiskFullError', message: expect.stringContaining('"seal gc"') });
  await expect(guard.refuseFull()).rejects.toThrow('SEAL_DISK_QUOTA_GB');
  expect(said).toHaveLength(1);
  rmSync(join(directory, 'deep'), { recursive: true });
  await guard.refuseFull();
  expect(diskWarning(await diskUse(directory, MIB))).toBeNull();
});
