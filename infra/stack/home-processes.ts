import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { processIds, processStat, readProc, readProcLink } from './proc-files';

/** A process of some `$SEAL_HOME`, as its command line tells. */
export interface HomeProcess {
  readonly pid: number;
  /** In words, with an article. */
  readonly what: string;
  readonly home: string;
  /** The directory in which it was started is no more, even if there is another of that name. */
  readonly isHomeRemoved: boolean;
  /** Whether the program that uses it still runs; what lives by itself has none. */
  readonly hasParent: boolean;
}

/** Servers, supervisors and language models of all homes. Linux shows every process; elsewhere only those with a record are known. */
export function homeProcesses(): HomeProcess[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return processIds().flatMap((pid) => {
    const kind = kindOf(readProc(pid, 'cmdline').split('\0').slice(0, -1), pid);
    if (kind === null) return [];
    const isHomeRemoved = readProcLink(pid, 'cwd').endsWith(' (deleted)');
    return [{ pid, ...kind, isHomeRemoved }];
  });
}

function kindOf(command: readonly string[], pid: number): Pick<HomeProcess, 'what' | 'home' | 'hasParent'> | null {
  const after = (match: (part: string) => boolean): string | undefined => command[command.findIndex(match) + 1];
  const alone = (what: string, home: string): Pick<HomeProcess, 'what' | 'home' | 'hasParent'> => ({ what, home, hasParent: false });
  if (command.includes('start-dev') && command.includes('--db-filename')) {
    const database = after((part) => part === '--db-filename') ?? '';
    return /^temporal\.db(\.new)?$/.test(basename(database)) ? alone('a Temporal server', dirname(database)) : null;
  }
  const objects = command.at(-1) ?? '';
  if (basename(command[0] ?? '').startsWith('versitygw') && command.includes('posix') && basename(objects) === 'objects') {
    return alone('an S3 server', dirname(objects));
  }
  for (const [script, what] of SUPERVISORS) {
    const isScript = (part: string): boolean => part.endsWith(script);
    if (command.slice(0, 3).some(isScript)) return alone(what, after(isScript) ?? '');
  }
  const home = command.some((part) => part.endsWith('/engine/runtime/compute-main.js')) ? homeOf(pid) : undefined;
  return home === undefined ? null : { what: 'a language model', home, hasParent: isNode(processStat(pid)?.parent ?? 0) };
}

const SUPERVISORS = [
  [join('infra', 'stack', 'server-supervisor.js'), "the servers' supervisor"],
  [join('infra', 'stack', 'worker-supervisor.js'), "a worker's supervisor"],
] as const;

function homeOf(pid: number): string | undefined {
  const named = readProc(pid, 'environ').split('\0').find((entry) => entry.startsWith('SEAL_HOME='));
  return named?.slice('SEAL_HOME='.length);
}

/** A language model's parent is the worker or command that uses it; an orphan's is the system's. */
function isNode(pid: number): boolean {
  return /^node(js)?\b/.test(basename(readProcLink(pid, 'exe')));
}
