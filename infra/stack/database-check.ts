import { closeSync, existsSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DoctorCheck } from './doctor';
import { OwnProcesses } from './own-process';
import { TEMPORAL_SERVER } from './temporal-server';

const MAGIC = 'SQLite format 3\0';
/** Types of a page of a table or an index: inner and leaf. */
const INTERIOR_INDEX = 2;
const INTERIOR_TABLE = 5;
const LEAVES = [10, 13];

/**
 * Whether Temporal's database can be one: SQLite's header, whole pages, and from the root every page of the tree that lists its tables.
 * A server that runs has it open and would have refused a broken one.
 * Source: sqlite.org/fileformat2.html.
 */
export function checkDatabase(home: string): DoctorCheck {
  const name = 'database';
  const file = join(home, 'temporal.db');
  if (!existsSync(file)) return { name, ok: true, detail: 'none yet', advice: null };
  if (new OwnProcesses(home).running(TEMPORAL_SERVER) !== null) return { name, ok: true, detail: `${file}, open in the running server`, advice: null };
  const problem = databaseProblem(file);
  if (problem === null) return { name, ok: true, detail: file, advice: null };
  const advice = `move ${file} aside (its -wal and -shm too) and run "seal up": a new one is made, and campaigns started again under their ids go on with what is stored`;
  return { name, ok: false, detail: `${file} is broken: ${problem}`, advice };
}

/** What is wrong with a database that nobody has open, in words; null where nothing is seen. */
export function databaseProblem(file: string): string | null {
  const descriptor = openSync(file, 'r');
  try {
    const { size } = fstatSync(descriptor);
    if (size === 0) return 'it is empty';
    const header = read(descriptor, 0, 100);
    if (header.length < 100 || header.toString('latin1', 0, 16) !== MAGIC) return 'it does not begin as a SQLite database';
    const declared = header.readUInt16BE(16);
    const pageSize = declared === 1 ? 65_536 : declared;
    if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) return `a page size of ${pageSize}`;
    // What is not yet in this file lies in the log beside it; then this file alone may be anything.
    if (hasLog(file)) return null;
    if (size % pageSize !== 0) return `${size} bytes, which are no whole pages of ${pageSize}`;
    const pages = size / pageSize;
    const counted = header.readUInt32BE(28);
    if (header.readUInt32BE(24) === header.readUInt32BE(92) && counted > pages) return `it should have ${counted} pages and has ${pages}`;
    return treeProblem(descriptor, pageSize, pages);
  } finally {
    closeSync(descriptor);
  }
}

/** The tree of the schema's table, from page 1. */
function treeProblem(descriptor: number, pageSize: number, pages: number): string | null {
  const waiting = [1];
  const seen = new Set<number>();
  for (let page = waiting.pop(); page !== undefined; page = waiting.pop()) {
    if (page < 1 || page > pages || seen.has(page)) return `page ${page} in the tree of its tables`;
    seen.add(page);
    const bytes = read(descriptor, (page - 1) * pageSize, pageSize);
    const start = page === 1 ? 100 : 0;
    const type = bytes[start] ?? 0;
    if (LEAVES.includes(type)) continue;
    if (type !== INTERIOR_TABLE && type !== INTERIOR_INDEX) return `page ${page} is of no known type (${type})`;
    const cells = bytes.readUInt16BE(start + 3);
    for (let cell = 0; cell < cells; cell += 1) {
      const at = bytes.readUInt16BE(start + 12 + 2 * cell);
      if (at + 4 > pageSize) return `page ${page} points outside of itself`;
      waiting.push(bytes.readUInt32BE(at));
    }
    waiting.push(bytes.readUInt32BE(start + 8));
  }
  return null;
}

function hasLog(file: string): boolean {
  const log = `${file}-wal`;
  return existsSync(log) && statSync(log).size > 0;
}

function read(descriptor: number, from: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(descriptor, bytes, 0, length, from));
}
