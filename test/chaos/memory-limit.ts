import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { MemoryGroup } from '../engine/runtime/memory-group';

/** A limit that the kernel keeps on the memory of single processes: those of a control group, or each by its address space. */
export type MemoryLimit = { readonly kind: 'group'; readonly directory: string } | { readonly kind: 'address space'; readonly bytes: number };

/** What can be limited here, the more exact first; null: nothing. */
export function limitable(): MemoryLimit['kind'] | null {
  if (MemoryGroup.areAllowed()) return 'group';
  return process.platform === 'linux' && spawnSync('prlimit', ['--version']).status === 0 ? 'address space' : null;
}

export function limitMemory(pid: number, limit: MemoryLimit): void {
  if (limit.kind === 'group') new MemoryGroup(limit.directory).add(pid);
  else execFileSync('prlimit', ['--pid', String(pid), `--as=${limit.bytes}`]);
}

/** The most that a running process had of address space. */
export function peakAddressSpace(pid: number): number {
  return Number(/^VmPeak:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}
