import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 500;
const CHUNK_BYTES = 64 * 1024;

/** The last lines of a log, read from its end. A log that is not there yet has none. */
export function lastLines(file: string, count: number): string[] {
  if (!existsSync(file)) return [];
  const descriptor = openSync(file, 'r');
  try {
    let position = fstatSync(descriptor).size;
    let tail = Buffer.alloc(0);
    while (position > 0 && newlines(tail) <= count) {
      const length = Math.min(CHUNK_BYTES, position);
      position -= length;
      const chunk = Buffer.alloc(length);
      readSync(descriptor, chunk, 0, length, position);
      tail = Buffer.concat([chunk, tail]);
    }
    return tail.toString('utf8').split('\n').filter((line, index, lines) => line !== '' || index < lines.length - 1).slice(-count);
  } finally {
    closeSync(descriptor);
  }
}

function newlines(bytes: Buffer): number {
  let count = 0;
  for (const byte of bytes) if (byte === 0x0a) count += 1;
  return count;
}

/** Calls `onText` with what is appended to `file` from now on, until the signal. */
export async function followLog(file: string, onText: (text: string) => void, signal: AbortSignal): Promise<void> {
  let position = sizeOf(file);
  while (!signal.aborted) {
    const size = sizeOf(file);
    // A log that shrank was started anew.
    if (size < position) position = 0;
    if (size > position) {
      onText(readRange(file, position, size));
      position = size;
    }
    await sleep(POLL_MS, undefined, { signal }).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
}

function sizeOf(file: string): number {
  if (!existsSync(file)) return 0;
  const descriptor = openSync(file, 'r');
  try {
    return fstatSync(descriptor).size;
  } finally {
    closeSync(descriptor);
  }
}

function readRange(file: string, from: number, to: number): string {
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(to - from);
    const read = readSync(descriptor, bytes, 0, bytes.length, from);
    return bytes.subarray(0, read).toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}
