import { accessSync, constants, existsSync, mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { BadInputError } from '../../campaign/errors';

/**
 * Refuses a directory that is not there and cannot be made, or is there and cannot be written to. Leaves nothing behind.
 *
 * It tries, since permissions do not tell all: a superuser may write everywhere by them, but not into `/proc`, where
 * `mkdir` with its parents would never return.
 *
 * @param where flag or variable, with the path
 * @throws BadInputError
 */
export function refuseUnwritable(where: string, directory: string): void {
  const existing = nearestExisting(resolve(directory));
  if (!statSync(existing).isDirectory()) {
    const itself = existing === resolve(directory);
    throw new BadInputError({ where, expected: itself ? 'a directory' : 'a path below a directory', got: itself ? 'a file' : `the file ${existing}` });
  }
  try {
    accessSync(existing, constants.W_OK);
    rmdirSync(mkdtempSync(join(existing, '.seal-')));
  } catch (cause) {
    throw new BadInputError({ where, expected: 'a place that can be written', got: reasonOf(cause) }, { cause });
  }
}

/** The path itself, or the nearest above it that is there. */
export function nearestExisting(path: string): string {
  let existing = path;
  while (!existsSync(existing)) existing = dirname(existing);
  return existing;
}

function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code;
  switch (code) {
    case 'EACCES':
    case 'EPERM':
      return 'no permission';
    case 'EROFS':
      return 'a file system that is read only';
    case 'ENOSPC':
      return 'a full disk';
    case 'ENOENT':
      return 'a file system that makes no directories';
    case undefined:
    default:
      return String(code ?? cause);
  }
}
