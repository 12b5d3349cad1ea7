import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/**
 * Bytes of memory of a running process: the most it ever held where the system says so (Linux), else what it holds now.
 *
 * @throws Error if neither can be read
 */
export function peakMemoryBytes(pid: number): number {
  const status = `/proc/${pid}/status`;
  const kilobytes = existsSync(status) ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1] : residentKilobytes(pid);
  if (kilobytes === undefined) throw new Error(`memory of process ${pid} is not known`);
  return Number(kilobytes) * 1024;
}

function residentKilobytes(pid: number): string | undefined {
  return /\d+/.exec(spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).stdout)?.[0];
}
