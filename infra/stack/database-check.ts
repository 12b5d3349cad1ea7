import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
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
 * Whether Temporal's database can be one: SQLite's header, whole pages, as many as it says, and from the root every page of the tree that
 * lists its tables, each as the write-ahead log beside it has it. Page by page, so that its size does not matter; what the tables hold is not read.
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
  const database = openSync(file, 'r');
  try {
    return problemOf(database, fstatSync(database).size, file);
  } finally {
    closeSync(database);
  }
}

function problemOf(database: number, sizeBytes: number, file: string): string | null {
  if (sizeBytes === 0) return 'it is empty';
  const header = readAt(database, 0, 100);
  if (header.length < 100 || header.toString('latin1', 0, MAGIC.length) !== MAGIC) return 'it does not begin as a SQLite database';
  const declared = header.readUInt16BE(16);
  const pageSize = declared === 1 ? 65_536 : declared;
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) return `a page size of ${pageSize}`;
  if (sizeBytes % pageSize !== 0) return `${sizeBytes} bytes, which are no whole pages of ${pageSize}`;
  const written = sizeBytes / pageSize;
  const log = existsSync(`${file}-wal`) ? openSync(`${file}-wal`, 'r') : null;
  try {
    const { pages, count } = log === null ? NOTHING_LOGGED : committed(log, pageSize);
    const pageAt = (page: number): Buffer | null => {
      const logged = pages.get(page);
      if (logged !== undefined) return readAt(log!, logged, pageSize);
      return page >= 1 && page <= written ? readAt(database, (page - 1) * pageSize, pageSize) : null;
    };
    const first = pageAt(1)!;
    const counted = first.readUInt32BE(24) === first.readUInt32BE(92) ? first.readUInt32BE(28) : (count ?? written);
    for (let page = written + 1; page <= counted; page += 1) {
      if (!pages.has(page)) return `it should have ${counted} pages and has no page ${page}`;
    }
    return treeProblem(pageAt, pageSize);
  } finally {
    if (log !== null) closeSync(log);
  }
}

/** Shorter where the file ends. */
function readAt(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  return bytes.subarray(0, readSync(file, bytes, 0, length, position));
}

const LOG_HEADER = 32;
const FRAME_HEADER = 24;

interface Logged {
  /** Where the newest content of a page begins. */
  readonly pages: ReadonlyMap<number, number>;
  /** Pages of the database then; null where nothing is committed. */
  readonly count: number | null;
}
const NOTHING_LOGGED: Logged = { pages: new Map(), count: null };

/** Pages whose newest content lies in the write-ahead log, up to its last commit, and how many pages the database has then. */
function committed(log: number, pageSize: number): Logged {
  const sizeBytes = fstatSync(log).size;
  const salts = readAt(log, 16, 8);
  const pages = new Map<number, number>();
  let count: number | null = null;
  const underWay = new Map<number, number>();
  for (let at = LOG_HEADER; at + FRAME_HEADER + pageSize <= sizeBytes; at += FRAME_HEADER + pageSize) {
    const frame = readAt(log, at, FRAME_HEADER);
    // Frames of an earlier use of the log have other salts.
    if (!frame.subarray(8, 16).equals(salts)) break;
    underWay.set(frame.readUInt32BE(0), at + FRAME_HEADER);
    const size = frame.readUInt32BE(4);
    if (size === 0) continue;
    count = size;
    for (const [page, position] of underWay) pages.set(page, position);
    underWay.clear();
  }
  return { pages, count };
}

/** Walks the tree of the schema's table, from page 1. */
function treeProblem(pageAt: (page: number) => Buffer | null, pageSize: number): string | null {
  const waiting = [1];
  const seen = new Set<number>();
  for (let page = waiting.pop(); page !== undefined; page = waiting.pop()) {
    const bytes = pageAt(page);
    if (bytes === null || seen.has(page)) return `page ${page} in the tree of its tables`;
    seen.add(page);
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
