import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';

let temporaryFiles = 0;

/** Name beside `path` that no other writer of this machine uses at the same time. */
export function temporaryNameBeside(path: string): string {
  temporaryFiles += 1;
  return `${path}.${process.pid}-${temporaryFiles}.tmp`;
}

/** Appends all of `bytes`, however few of them one system call takes. */
export function writeFully(descriptor: number, bytes: Uint8Array): void {
  const maxBytesPerCall = 1 << 30;
  for (let offset = 0; offset < bytes.byteLength; ) {
    offset += writeSync(descriptor, bytes, offset, Math.min(bytes.byteLength - offset, maxBytesPerCall));
  }
}

/**
 * Writes a file so that readers see the old one, or all of the new one: temporary file, fsync, rename.
 *
 * Creates the folder. `write` gets a descriptor opened for writing.
 */
export function writeFileAtomically(file: string, write: (descriptor: number) => void): void {
  mkdirSync(dirname(file), { recursive: true });
  const temporary = temporaryNameBeside(file);
  const descriptor = openSync(temporary, 'wx');
  try {
    try {
      write(descriptor);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw nameFile(error, file);
  }
}

/** Of a full disk the file system says neither the file nor the folder. */
function nameFile(error: unknown, file: string): unknown {
  const isSystemError = typeof error === 'object' && error !== null && 'syscall' in error && 'message' in error;
  return isSystemError ? new Error(`${file}: ${String(error.message)}`, { cause: error }) : error;
}

/** Writes `value` as indented JSON with a final newline, atomically. */
export function writeJsonAtomically(file: string, value: unknown): void {
  writeFileAtomically(file, (descriptor) => {
    writeFully(descriptor, Buffer.from(`${JSON.stringify(value, null, 2)}\n`, 'utf8'));
  });
}
