import { closeSync, constants, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { BadInputError } from '../../campaign/errors';

/** Which files may be read: those of a model are regular ones, what a user names may be a pipe. */
export type FileKind = 'regular' | 'any';

const CHUNK_BYTES = 1 << 20;

/** What stands in a working tree in place of a file of Git LFS that was not fetched. Source: Git LFS, `docs/spec.md`. */
const LFS_POINTER = Buffer.from('version https://git-lfs.github.com/spec/v1\n');
const MAX_LFS_POINTER_BYTES = 1024;

/**
 * Reads a whole file of at most `maxBytes`; a larger one (an endless device, say) is refused without being read to its end.
 *
 * @param what the message expects
 * @throws BadInputError naming the file: missing, no permission, a directory, too large
 */
export function readBoundedFile(file: string, maxBytes: number, kind: FileKind, what = 'a readable file'): Buffer {
  return withOpenFile(file, { kind, what }, (descriptor) => {
    const declaredBytes = fstatSync(descriptor).size;
    if (declaredBytes > maxBytes) throw tooLarge(file, maxBytes, `${declaredBytes} bytes`);
    const chunks: Buffer[] = [];
    let total = 0;
    for (;;) {
      const room = Math.min(maxBytes + 1 - total, Math.max(CHUNK_BYTES, declaredBytes + 1 - total));
      const chunk = Buffer.allocUnsafe(room);
      const count = readSync(descriptor, chunk, 0, room, null);
      if (count === 0) return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, count));
      total += count;
      if (total > maxBytes) throw tooLarge(file, maxBytes, 'more');
    }
  });
}

/**
 * Opens a file for reading, hands its descriptor to `read` and closes it.
 *
 * @throws BadInputError for whatever the file system refuses, while opening or while reading, and for a Git LFS pointer
 */
export function withOpenFile<Result>(
  file: string,
  { kind, what }: { readonly kind: FileKind; readonly what: string },
  read: (descriptor: number) => Result,
): Result {
  const unreadable = (got: string, cause?: unknown): BadInputError => new BadInputError({ where: file, expected: what, got }, { cause });
  try {
    // Opening a pipe that nobody writes to would wait for ever.
    const descriptor = openSync(file, constants.O_RDONLY | (kind === 'regular' ? constants.O_NONBLOCK : 0));
    try {
      const status = fstatSync(descriptor);
      if (status.isDirectory()) throw unreadable('a directory');
      if (kind === 'regular' && !status.isFile()) throw unreadable('a device or pipe');
      if (status.isFile() && isLfsPointer(descriptor, status.size)) throw unreadable('a Git LFS pointer in place of the file ("git lfs pull" fetches it)');
      return read(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw unreadable(describeFileError(error, file), error);
  }
}

function isLfsPointer(descriptor: number, bytes: number): boolean {
  if (bytes < LFS_POINTER.length || bytes > MAX_LFS_POINTER_BYTES) return false;
  const start = Buffer.alloc(LFS_POINTER.length);
  readSync(descriptor, start, 0, start.length, 0);
  return start.equals(LFS_POINTER);
}

function tooLarge(file: string, maxBytes: number, got: string): BadInputError {
  return new BadInputError({ where: file, expected: `a file of at most ${maxBytes} bytes`, got });
}

/** What the file system throws (an `Error` of Node's own realm), or `open` for a path that holds a NUL. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  if (typeof error !== 'object' || error === null || !('code' in error)) return false;
  return 'syscall' in error || error.code === 'ERR_INVALID_ARG_VALUE';
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'no permission to read it',
  EPERM: 'no permission to read it',
  EISDIR: 'a directory',
  ENOTDIR: 'a path below a file',
  ELOOP: 'links that lead in a circle',
  ENAMETOOLONG: 'a name that is too long',
  ENXIO: 'a device or pipe',
  ERR_INVALID_ARG_VALUE: 'a name with a NUL character',
};

/** What a file system error says, without the path (which `where` already names). */
function describeFileError(error: unknown, file?: string): string {
  const code = isSystemError(error) ? error.code : undefined;
  if (code === 'ENOENT') return file !== undefined && isLink(file) ? 'a link to a file that is not there' : 'no such file';
  return (code === undefined ? undefined : REASONS[code]) ?? code ?? String(error);
}

function isLink(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}
