import { existsSync } from 'node:fs';
import { BadInputError } from '../campaign/errors';
import { diskQuotaBytes, sealHome } from '../settings/home';
import { diskUse, diskWarning, type DiskUse } from '../storage/disk-quota';
import type { Output } from './output';

/** What $SEAL_HOME takes; null where it is not there yet. */
export async function homeDiskUse(): Promise<DiskUse | null> {
  const quota = diskQuotaBytes();
  return existsSync(sealHome()) ? diskUse(sealHome(), quota) : null;
}

/** Says on stderr that the disk is full or nearly so. */
export async function warnOfFullDisk(output: Output): Promise<void> {
  const use = await homeDiskUse();
  const line = use === null ? null : diskWarning(use);
  if (line !== null) output.log(line);
}

/** @throws BadInputError where there is no room to start anything */
export async function refuseFullDisk(): Promise<void> {
  const use = await homeDiskUse();
  if (use?.state !== 'full') return;
  throw new BadInputError({ where: 'disk', expected: 'room for a campaign', got: diskWarning(use) ?? 'none' });
}
