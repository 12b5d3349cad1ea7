import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** Memory of a running process, in bytes. */
export interface ProcessMemory {
  /** The most it ever held where the system says so (Linux), else what it holds now. */
  readonly peak: number;
  /** Of what it holds now, pages of files that it maps, such as weights: the system takes them back when it needs room. Null if unknown. */
  readonly mapped: number | null;
}

/** @throws Error if nothing can be read */
export function processMemory(pid: number): ProcessMemory {
  const file = `/proc/${pid}/status`;
  if (!existsSync(file)) return { peak: residentBytes(pid), mapped: null };
  const status = readFileSync(file, 'utf8');
  const field = (name: string): number | null => {
    const kilobytes = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  };
  return { peak: field('VmHWM') ?? residentBytes(pid), mapped: field('RssFile') };
}

function residentBytes(pid: number): number {
  const kilobytes = /\d+/.exec(spawnSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' }).stdout)?.[0];
  if (kilobytes === undefined) throw new Error(`memory of process ${pid} is not known`);
  return Number(kilobytes) * 1024;
}
