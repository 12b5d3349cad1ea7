import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { DoctorCheck } from './doctor';
import { OwnProcesses } from './own-process';
import { TEMPORAL_SERVER } from './temporal-server';

const MAGIC = 'SQLite format 3\0';
/** Types of a page of a table or an index: inner and leaf. */
const INTERIOR_INDEX = 2;
const INTERIOR_TABLE = 5;
const LEAVES = [10, 13];
/** It is read whole. */
const LARGEST_BYTES = 2 ** 30;

/**
 * Whether Temporal's database can be one: SQLite's header, whole pages, and from the root every page of the tree that lists its tables,
 * each as the write-ahead log beside it has it.
 * A server that runs has it open and would have refused a broken one.
 * Source: sqlite.org/fileformat2.html.
 */
export function checkDatabase(home: string): DoctorCheck {
  const name = 'database';
  const file = join(home, 'temporal.db');
  if (!existsSync(file)) return { name, ok: true, detail: 'none yet', advice: null };
  if (new OwnProcesses(home).running(TEMPORAL_SERVER) !== null) return { name, ok: true, detail: `${file}, open in the running server`, advice: null };
  if (statSync(file).size > LARGEST_BYTES) return { name, ok: true, detail: `${file}, too large to be looked through`, advice: null };
  const problem = databaseProblem(file);
  if (problem === null) return { name, ok: true, detail: file, advice: null };
  const advice = `move ${file} aside (its -wal and -shm too) and run "seal up": a new one is made, and campaigns started again under their ids go on with what is stored`;
  return { name, ok: false, detail: `${file} is broken: ${problem}`, advice };
}

/** What is wrong with a database that nobody has open, in words; null where nothing is seen. */
export function databaseProblem(file: string): string | null {
  const bytes = readFileSync(file);
  if (bytes.length === 0) return 'it is empty';
  if (bytes.length < 100 || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return 'it does not begin as a SQLite database';
  const declared = bytes.readUInt16BE(16);
  const pageSize = declared === 1 ? 65_536 : declared;
  if (pageSize < 512 || (pageSize & (pageSize - 1)) !== 0) return `a page size of ${pageSize}`;
  if (bytes.length % pageSize !== 0) return `${bytes.length} bytes, which are no whole pages of ${pageSize}`;
  const log = committed(`${file}-wal`, pageSize);
  const pageAt = (page: number): Buffer | null => log.pages.get(page) ?? whole(bytes, page, pageSize);
  const first = pageAt(1)!;
  const counted = first.readUInt32BE(24) === first.readUInt32BE(92) ? first.readUInt32BE(28) : (log.count ?? bytes.length / pageSize);
  for (let page = 1; page <= counted; page += 1) {
    if (pageAt(page) === null) return `it should have ${counted} pages and has no page ${page}`;
  }
  return treeProblem(pageAt, pageSize);
}

function whole(bytes: Buffer, page: number, pageSize: number): Buffer | null {
  return page >= 1 && page * pageSize <= bytes.length ? bytes.subarray((page - 1) * pageSize, page * pageSize) : null;
}

const LOG_HEADER = 32;
const FRAME_HEADER = 24;

/** Pages whose newest content lies in the write-ahead log, up to its last commit, and how many pages the database has then. */
function committed(file: string, pageSize: number): { readonly pages: ReadonlyMap<number, Buffer>; readonly count: number | null } {
  const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
  let pages = new Map<number, Buffer>();
  let count: number | null = null;
  const underWay = new Map<number, Buffer>();
  for (let at = LOG_HEADER; at + FRAME_HEADER + pageSize <= bytes.length; at += FRAME_HEADER + pageSize) {
    // Frames of an earlier use of the log have other salts.
    if (bytes.compare(bytes, 16, 24, at + 8, at + 16) !== 0) break;
    underWay.set(bytes.readUInt32BE(at), bytes.subarray(at + FRAME_HEADER, at + FRAME_HEADER + pageSize));
    const size = bytes.readUInt32BE(at + 4);
    if (size === 0) continue;
    count = size;
    pages = new Map([...pages, ...underWay]);
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
