import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { processesOf } from './process-table';

/** What only a process in the middle of something has: locks, half-written files, records of running processes. */
const UNFINISHED = /\.(lock|partial|tmp)(\.|$)|\.db\.new|^stack\.json$/;
/** Nothing in them outlives the work that they were made for. */
const SCRATCH = /(^|\/)(work|\.sgwtmp)$/;
/** Says how often a worker or a server was started; stays for `seal up` to read. */
const STATE = /-state\.json$/;
/** The S3 server's: its bucket, named by keys, and files that it locks with the kernel, which forgets the locks of the dead. */
const OBJECTS = /^objects\/(seal\/|\.vgwlocks)/;

/** One line for each process, lock and temporary file that a stopped stack has left behind. */
export function leftoversIn(home: string): string[] {
  const processes = processesOf(home).map(({ pid, command }) => `process ${pid}: ${command.slice(0, 200)}`);
  return [...processes, ...temporaryFilesIn(home).map((file) => `file ${file}`)];
}

/** Relative to the home. */
export function temporaryFilesIn(home: string): string[] {
  return readdirSync(home, { recursive: true, withFileTypes: true })
    .map((entry) => ({ name: entry.name, path: join(entry.parentPath, entry.name).slice(home.length + 1) }))
    .filter(({ path }) => !OBJECTS.test(path) || path.includes('/.sgwtmp/'))
    .filter(({ name, path }) => UNFINISHED.test(name) || SCRATCH.test(dirname(path)) || (dirname(path) === 'run' && !STATE.test(name)))
    .map(({ path }) => path)
    .sort();
}
