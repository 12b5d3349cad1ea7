import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** One process as the system lists it. */
export interface ListedProcess {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** Every process of this machine that can be seen, zombies left out. */
function processTable(): ListedProcess[] {
  return process.platform === 'linux' ? fromProc() : fromPs();
}

/** Processes that were started for this home: it stands in their command line or is their `SEAL_HOME`. */
export function processesOf(home: string): ListedProcess[] {
  return processTable().filter(
    ({ pid, command }) => pid !== process.pid && (command.includes(home) || environmentOf(pid).includes(`SEAL_HOME=${home}`)),
  );
}

export function childrenOf(parent: number): ListedProcess[] {
  return processTable().filter((listed) => listed.parent === parent);
}

function fromProc(): ListedProcess[] {
  return processIds().flatMap((pid) => {
    const stat = processStat(pid);
    return stat === null || stat.state === 'Z' ? [] : [{ pid, parent: stat.parent, command: readProc(pid, 'cmdline').replaceAll('\0', ' ').trim() }];
  });
}

/** Empty where the system does not show it. */
function environmentOf(pid: number): readonly string[] {
  return process.platform === 'linux' ? readProc(pid, 'environ').split('\0') : [];
}

function fromPs(): ListedProcess[] {
  return execFileSync('ps', ['-Awwo', 'pid=,ppid=,command='], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => {
      const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return command === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
    });
}

function processIds(): number[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

/** Empty for a process that ended meanwhile or is somebody else's. */
function readProc(pid: number, what: 'cmdline' | 'environ' | 'stat'): string {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

/** Null as in `readProc`. State `Z`: a zombie. */
function processStat(pid: number): { readonly state: string; readonly parent: number } | null {
  const stat = readProc(pid, 'stat');
  // After the command's name, which may hold spaces and parentheses.
  const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return state === undefined || parent === undefined ? null : { state, parent: Number(parent) };
}
