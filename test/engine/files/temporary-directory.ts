import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A new folder for each test of the file, removed after it. Call at the top level; read `path()` inside a test. */
export function useTemporaryDirectory(): { path(...names: string[]): string } {
  let directory = '';
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'seal-files-'));
  });
  afterEach(() => rmSync(directory, { recursive: true, force: true }));
  return { path: (...names) => join(directory, ...names) };
}
