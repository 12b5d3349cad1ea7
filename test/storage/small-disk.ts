import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface SmallDisk {
  readonly directory: string;
  /** Leaves no byte free. */
  fill(): void;
  /** Makes room again. */
  empty(): void;
  setReadOnly(isReadOnly: boolean): void;
  unmount(): void;
}

/** Whether this user may mount file systems. */
export const canMount = tryMount();

function tryMount(): boolean {
  const directory = mkdtempSync(join(tmpdir(), 'seal-disk-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', directory]).status === 0;
  if (mounted) spawnSync('umount', [directory]);
  rmdirSync(directory);
  return mounted;
}

/** A file system of its own at `directory`, which is made. @param kibibytes @default half a MiB */
export function mountSmallDisk(directory: string, kibibytes = 512): SmallDisk {
  mkdirSync(directory, { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${kibibytes}k`, 'tmpfs', directory]);
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
    setReadOnly: (isReadOnly) => execFileSync('mount', ['-o', `remount,${isReadOnly ? 'ro' : 'rw'}`, directory]),
    unmount() {
      execFileSync('umount', ['--lazy', directory]);
      rmdirSync(directory);
    },
  };
}
