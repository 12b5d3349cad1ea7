import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, rmdirSync, writeSync, openSync, closeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SIZE = '256k';

export interface FullDisk {
  readonly directory: string;
  /** Leaves no byte free. */
  fill(): void;
  /** Makes room again. */
  empty(): void;
  unmount(): void;
}

/** A file system of its own, a quarter of a MiB large; null where none may be mounted. */
export function mountFull(): FullDisk | null {
  const directory = mkdtempSync(join(tmpdir(), 'seal-full-'));
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', directory]).status !== 0) {
    rmdirSync(directory);
    return null;
  }
  const ballast = join(directory, '.ballast');
  return {
    directory,
    fill() {
      const file = openSync(ballast, 'w');
      try {
        for (;;) writeSync(file, Buffer.alloc(4096));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        closeSync(file);
      }
    },
    empty: () => rmSync(ballast, { force: true }),
    unmount() {
      spawnSync('umount', [directory]);
      rmdirSync(directory);
    },
  };
}
