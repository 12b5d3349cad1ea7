/** What Linux tells of processes, whoever's they are. */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

export function processIds(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

/** Empty for a process that ended meanwhile or is somebody else's. */
export function readProc(pid: number, what: 'cmdline' | 'environ' | 'stat'): string {
  return ifThere(() => readFileSync(`/proc/${pid}/${what}`, 'utf8'));
}

/** Where a link of a process leads; empty as in `readProc`. */
export function readProcLink(pid: number, what: 'cwd' | 'exe'): string {
  return ifThere(() => readlinkSync(`/proc/${pid}/${what}`));
}

/** Null as in `readProc`. State `Z`: a zombie. */
export function processStat(pid: number): { readonly state: string; readonly parent: number } | null {
  const stat = readProc(pid, 'stat');
  // After the command's name, which may hold spaces and parentheses.
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === undefined || parent === undefined ? null : { state, parent: Number(parent) };
}

function ifThere(read: () => string): string {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}
