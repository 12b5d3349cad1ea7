import { readFileSync, writeFileSync } from 'node:fs';

const STATUS = '/proc/self/status';
const REFERENCES = '/proc/self/clear_refs';
/** Sets the peak of resident memory to what is resident now. */
const RESET_PEAK = '5';

/** Begins to count anew; where the kernel does not let a process do that, the peak stays that of its whole life. */
export function resetPeakMemory(): void {
  try {
    writeFileSync(REFERENCES, RESET_PEAK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EACCES' && code !== 'EPERM' && code !== 'EROFS' && code !== 'EINVAL') throw error;
  }
}

/** Most memory that this process has held resident since `resetPeakMemory`, bytes. */
export function peakMemoryBytes(): number {
  let status: string;
  try {
    status = readFileSync(STATUS, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    // Not Linux: Node's own figure is of the process's whole life.
    return process.resourceUsage().maxRSS * 1024;
  }
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}
