import { statfs } from 'node:fs/promises';
import type { SealMeter } from './meter';

const INTERVAL_MS = 15_000;

/**
 * Measures the file system of a directory now and then.
 *
 * @returns to end it
 */
export async function measureDisk(directory: string, meter: SealMeter, intervalMs = INTERVAL_MS): Promise<() => void> {
  const measure = async (): Promise<void> => {
    const { bavail, blocks, bsize } = await statfs(directory);
    meter.set('diskFreeBytes', bavail * bsize);
    meter.set('diskSizeBytes', blocks * bsize);
  };
  await measure();
  // A directory that is gone is others' to complain about: those who write to it.
  const timer = setInterval(() => void measure().catch(() => undefined), intervalMs);
  return () => clearInterval(timer);
}
