import { chmodSync, mkdirSync, statSync } from 'node:fs';

/** What `work` makes, and what the processes that it starts make later, is for its owner alone: files 0600, directories 0700. */
export function privately<Result>(work: () => Result): Result {
  const before = process.umask(0o077);
  try {
    return work();
  } finally {
    process.umask(before);
  }
}

/** The directory, made if need be, closed to all others: databases and logs from before may lie in it, open. */
export function makePrivateDirectory(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(directory);
  // Who may write into somebody else's directory may still not close it.
  if (uid === process.getuid?.() && (mode & 0o077) !== 0) chmodSync(directory, 0o700);
}
