import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sweepAbandoned } from '../storage/partial-path';

/** Makes the directory of what can be made again, and frees it of what killed workers were in the middle of. */
export async function openCache(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) await sweepAbandoned(join(directory, entry.name));
  }
}
