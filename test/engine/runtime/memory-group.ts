import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where each version of control groups has its memory's, and what its files are called. */
const VERSIONS = [
  { parent: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', peak: 'memory.max_usage_in_bytes', swap: null },
  { parent: '/sys/fs/cgroup', limit: 'memory.max', peak: 'memory.peak', swap: 'memory.swap.max' },
] as const;

/** A control group of a test's own, in which the kernel counts and limits the memory of processes. */
export class MemoryGroup {
  readonly directory: string;

  /** @param directory of a group that there is already */
  constructor(directory: string) {
    this.directory = directory;
  }

  /** @returns null where this user may make none that limits memory: not root, a hierarchy that is read-only or was not handed down */
  static make(name: string): MemoryGroup | null {
    for (const { parent, limit, peak } of VERSIONS) {
      const directory = join(parent, `seal-test-${process.pid}-${name}`);
      try {
        mkdirSync(directory);
      } catch {
        // Not here: the next version's place is tried.
        continue;
      }
      if (existsSync(join(directory, limit)) && existsSync(join(directory, peak))) return new MemoryGroup(directory);
      rmdirSync(directory);
    }
    return null;
  }

  static areAllowed(): boolean {
    const group = MemoryGroup.make('try');
    group?.remove();
    return group !== null;
  }

  /** The process and all that it will start. What it holds already is counted where it was. */
  add(pid: number): void {
    writeFileSync(join(this.directory, 'cgroup.procs'), String(pid));
  }

  /** Beyond it the kernel ends a process of the group. */
  limitBytes(bytes: number): void {
    const { limit, swap } = this.#files;
    writeFileSync(join(this.directory, limit), String(bytes));
    if (swap !== null && existsSync(join(this.directory, swap))) writeFileSync(join(this.directory, swap), '0');
  }

  /** The most that was held at once. */
  get peakBytes(): number {
    return Number(readFileSync(join(this.directory, this.#files.peak), 'utf8'));
  }

  /** Once its processes have ended. */
  remove(): void {
    rmdirSync(this.directory);
  }

  get #files(): (typeof VERSIONS)[number] {
    const files = VERSIONS.find(({ peak }) => existsSync(join(this.directory, peak)));
    if (files === undefined) throw new Error(`${this.directory}: no group that counts memory`);
    return files;
  }
}
