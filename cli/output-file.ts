import { writeFileSync } from 'node:fs';

/** An output could not be written, though its place was in order when the command began. */
class OutputFailedError extends Error {
  override readonly name = 'OutputFailedError';
  readonly code: string;

  constructor(flag: string, file: string, cause: unknown) {
    const { code, message } = cause as NodeJS.ErrnoException;
    super(`${flag} ${file}: ${code === 'ENOSPC' ? 'the disk is full' : message}`, { cause });
    this.code = code ?? 'FAILED';
  }
}

/**
 * Writes a text where `writableFile` found that it can be written.
 *
 * @throws OutputFailedError naming the flag, the file and what the file system said (a full disk, say)
 */
export function writeOutput(flag: string, file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (cause) {
    throw new OutputFailedError(flag, file, cause);
  }
}
