import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { aside, logFiles } from '../infra/stack/log-rotation';

const POLL_MS = 500;
const CHUNK_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** The last lines of a log that are wanted, oldest first, from what was put aside of it too. A log that is not there yet has none. */
export function lastLines(file: string, count: number, wanted: (line: string) => boolean = () => true): string[] {
  const lines: string[] = [];
  for (const one of logFiles(file)) {
    for (const line of linesFromEnd(one)) {
      if (line === '' || !wanted(line)) continue;
      lines.push(line);
      if (lines.length === count) return lines.reverse();
    }
  }
  return lines.reverse();
}

/** Read as far as they are asked for. */
function* linesFromEnd(file: string): Generator<string> {
  const descriptor = openSync(file, 'r');
  try {
    let rest = Buffer.alloc(0);
    for (let position = fstatSync(descriptor).size; position > 0; ) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, position));
      position -= chunk.length;
      readSync(descriptor, chunk, 0, chunk.length, position);
      const bytes = Buffer.concat([chunk, rest]);
      const first = bytes.indexOf(NEWLINE);
      if (first >= 0) yield* bytes.subarray(first + 1).toString('utf8').split('\n').reverse();
      rest = first < 0 ? bytes : bytes.subarray(0, first);
    }
    yield rest.toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}

/** Calls `onLine` with each line that is appended to `file` from now on, until the signal. */
export async function followLog(file: string, onLine: (line: string) => void, signal: AbortSignal): Promise<void> {
  let position = sizeOf(file);
  let rest = '';
  const take = (text: string): void => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(onLine);
  };
  while (!signal.aborted) {
    const size = sizeOf(file);
    // A log that shrank was put aside: its end is read there.
    if (size < position) {
      take(readRange(aside(file, 1), position, sizeOf(aside(file, 1))));
      position = 0;
    }
    if (size > position) {
      take(readRange(file, position, size));
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
  if (to <= from) return '';
  const descriptor = openSync(file, 'r');
  try {
    const bytes = Buffer.alloc(to - from);
    const read = readSync(descriptor, bytes, 0, bytes.length, from);
    return bytes.subarray(0, read).toString('utf8');
  } finally {
    closeSync(descriptor);
  }
}
