import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DiskGuard, diskQuotaBytes, diskUse, diskWarning } from '../../storage/disk-quota';

const MIB = 2 ** 20;

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-quota-'));
  mkdirSync(join(directory, 'deep'));
  writeFileSync(join(directory, 'deep', 'file'), Buffer.alloc(MIB));
});
afterEach(() => rmSync(directory, { recursive: true }));

test.each([
  [4, 'ok'],
  [1.05, 'warning'],
  [0.5, 'full'],
])('1 MiB of %d MiB is %s', async (mebibytes, state) => {
  expect(await diskUse(directory, mebibytes * MIB)).toMatchObject({ usedBytes: MIB, state });
});

test('the quota is a number of GiB', () => {
  expect(diskQuotaBytes({})).toBeNull();
  expect(diskQuotaBytes({ SEAL_DISK_QUOTA_GB: '0.5' })).toBe(2 ** 29);
  for (const wrong of ['0', '-1', '5GB', 'much']) expect(() => diskQuotaBytes({ SEAL_DISK_QUOTA_GB: wrong })).toThrow(`SEAL_DISK_QUOTA_GB: expected a number of GiB above 0, got "${wrong}"`);
});

test('work waits while the disk is full, is told why, and goes on once there is room', async () => {
  const said: string[] = [];
  const guard = new DiskGuard(directory, MIB, (line) => said.push(line), 0);
  await expect(guard.refuseFull()).rejects.toMatchObject({ name: 'DiskFullError', message: expect.stringContaining('"seal gc"') });
  await expect(guard.refuseFull()).rejects.toThrow('SEAL_DISK_QUOTA_GB');
  expect(said).toHaveLength(1);
  rmSync(join(directory, 'deep'), { recursive: true });
  await guard.refuseFull();
  expect(diskWarning(await diskUse(directory, MIB))).toBeNull();
});
