import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ComputeProcess, startComputeProcess } from '../../engine/runtime/compute-client';

/** A compute process of one thread and a directory for what it writes, until the tests of the file or `describe` are through. */
export function computeFixture(): { readonly compute: ComputeProcess; readonly directory: string } {
  const directory = mkdtempSync(join(tmpdir(), 'seal-engine-'));
  const compute = startComputeProcess({ threads: 1 });
  afterAll(async () => {
    await compute.close();
    rmSync(directory, { recursive: true });
  });
  return { compute, directory };
}
