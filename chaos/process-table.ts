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
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const stat = readIfRunning(`/proc/${name}/stat`);
      // Between two reads a process may end.
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === undefined || parent === undefined || state === 'Z') return [];
      const command = readIfRunning(`/proc/${name}/cmdline`).replaceAll('\0', ' ').trim();
      return [{ pid: Number(name), parent: Number(parent), command }];
    });
}

/** Empty where the system does not show it. */
function environmentOf(pid: number): readonly string[] {
  return process.platform === 'linux' ? readIfRunning(`/proc/${pid}/environ`).split('\0') : [];
}

/** Nothing for a process that has ended or belongs to somebody else. */
function readIfRunning(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) return '';
    throw error;
  }
}

function fromPs(): ListedProcess[] {
  return execFileSync('ps', ['-Awwo', 'pid=,ppid=,command='], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => {
      const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return command === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), command }];
    });
}
