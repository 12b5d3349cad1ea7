/** Processes that the kernel ended for want of memory, counted where one process would be among them. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Where the kernel tells; tests have folders of their own. */
export interface KernelFiles {
  /** @default /proc */
  readonly proc?: string;
  /** @default /sys/fs/cgroup */
  readonly cgroups?: string;
}

/** Reads the count so far; undefined where the kernel keeps none. */
export type OomCounter = () => number | undefined;

/**
 * The count that concerns a running process, to be read after its end too: that of its own control group (version 2's `memory.events`,
 * version 1's `memory.oom_control`), which also counts what the whole machine's shortage ended in it; without one that of the machine.
 */
export function oomCounter(pid: number, { proc = '/proc', cgroups = '/sys/fs/cgroup' }: KernelFiles = {}): OomCounter {
  const membership = textOf(join(proc, String(pid), 'cgroup')) ?? '';
  const own = counterFiles(membership, cgroups).find((file) => countIn(textOf(file)) !== undefined);
  return () => countIn(textOf(own ?? join(proc, 'vmstat')));
}

/** Half of all memory, in the kernel's reckoning of whom to end first. */
const OOM_SCORE = '500';

/** When memory is short the kernel ends this process before workers and servers: it costs one attempt, they would cost more. */
export function offerToOomKiller(pid: number, { proc = '/proc' }: KernelFiles = {}): void {
  try {
    writeFileSync(join(proc, String(pid), 'oom_score_adj'), OOM_SCORE);
  } catch {
    // No such file on this system: the kernel then chooses by size, which is mostly the same.
    return;
  }
}

/** A container may see the hierarchy from its own group on, while its membership is told from the machine's root: then the mount is its group. */
function counterFiles(membership: string, cgroups: string): string[] {
  const lines = membership.split('\n').map((line) => line.split(':'));
  const files: string[] = [];
  for (const [, controllers, ...path] of lines) {
    const group = path.join(':');
    const isUnified = controllers === '';
    if (!isUnified && controllers?.split(',').includes('memory') !== true) continue;
    const file = isUnified ? 'memory.events' : 'memory.oom_control';
    for (const mount of isUnified ? [cgroups, join(cgroups, 'unified')] : [join(cgroups, 'memory')]) {
      files.push(join(mount, group, file), join(mount, file));
    }
  }
  return files;
}

function countIn(text: string | undefined): number | undefined {
  const kills = [...(text ?? '').matchAll(/^oom_(?:group_)?kill (\d+)$/gm)].map(([, count]) => Number(count));
  return kills.length === 0 ? undefined : kills.reduce((sum, count) => sum + count, 0);
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    // Not this kernel's way to tell, or a process that has ended: the next place is asked.
    return undefined;
  }
}
