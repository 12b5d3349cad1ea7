import { DiskFullError } from '../../contracts/errors';

/** Full, read-only, or past a quota: the disk works again once somebody has made room. */
const DISK_CODES = new Set<unknown>(['ENOSPC', 'EROFS', 'EDQUOT']);

/** Causes that are looked at before a chain is taken to be a circle. */
const MAX_CAUSES = 10;

/**
 * The error as the class that the system's report makes it: DiskFullError where it, or a cause of it, has the code ENOSPC, EROFS or
 * EDQUOT. Any other is handed back as it is.
 */
export function asReported(error: Error): Error {
  let cause: unknown = error;
  for (let depth = 0; depth < MAX_CAUSES && cause instanceof Error; depth += 1, cause = cause.cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (DISK_CODES.has(code)) return withStackOf(new DiskFullError(`this machine's disk: ${cause.message}`, { cause: error }), error);
  }
  return error;
}

/** Where it happened, not where it was understood. */
function withStackOf(known: Error, { stack }: Error): Error {
  if (stack !== undefined) known.stack = stack;
  return known;
}
