import { closeSync, existsSync, ftruncateSync, openSync, readdirSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';

export interface LogBounds {
  /** A log larger than this is put aside. */
  readonly maxBytes: number;
  /** Logs put aside; the oldest makes room. */
  readonly kept: number;
}

/** Three processes, five files each: 300 MB at most. */
const DEFAULT_BOUNDS: LogBounds = { maxBytes: 20_000_000, kept: 4 };
const INTERVAL_MS = 30_000;
const CHUNK_BYTES = 1 << 20;

/**
 * Keeps every log of a folder within bounds from now on. One process of a home does it.
 *
 * @returns to end it
 */
export function boundLogs(folder: string, bounds: LogBounds = DEFAULT_BOUNDS, intervalMs = INTERVAL_MS): () => void {
  const rotate = (): void => {
    for (const name of existsSync(folder) ? readdirSync(folder) : []) if (name.endsWith('.log')) rotateLog(join(folder, name), bounds);
  };
  rotate();
  const timer = setInterval(rotate, intervalMs);
  return () => clearInterval(timer);
}

/**
 * Puts a log's content aside as `<file>.1` (before as `.2`, and so on) and empties it, if it is larger than the bounds allow. Its writers
 * go on: they hold the file open, each at its end, and need not know. What one writes between the last read and the emptying is
 * lost: nothing at the pace of a worker's log, some hundred lines of a process that writes as fast as it can.
 *
 * @returns whether it was put aside
 */
export function rotateLog(file: string, { maxBytes, kept }: LogBounds): boolean {
  if (statSync(file).size <= maxBytes) return false;
  for (let age = kept - 1; age >= 1; age -= 1) if (existsSync(aside(file, age))) renameSync(aside(file, age), aside(file, age + 1));
  const from = openSync(file, 'r+');
  const to = openSync(aside(file, 1), 'w', statSync(file).mode & 0o777);
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (let position = 0, read: number; (read = readSync(from, chunk, 0, chunk.length, position)) > 0; position += read) writeSync(to, chunk, 0, read);
    ftruncateSync(from, 0);
  } finally {
    closeSync(from);
    closeSync(to);
  }
  return true;
}

/** A log and what was put aside of it, newest first. */
export function logFiles(file: string): string[] {
  const files = existsSync(file) ? [file] : [];
  for (let age = 1; existsSync(aside(file, age)); age += 1) files.push(aside(file, age));
  return files;
}

export function aside(file: string, age: number): string {
  return `${file}.${age}`;
}
