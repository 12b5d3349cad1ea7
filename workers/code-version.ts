import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageVersion } from './package-version';

/** Compiled rooms whose code decides what a campaign computes. */
const ROOMS = ['campaign', 'record', 'seal', 'engine', 'storage', 'endpoint', 'report', 'activities', 'workflows'] as const;
const HASH_DIGITS = 12;

/**
 * Names the code that runs: the package's version, and the beginning of a hash over the compiled files that can change a
 * result. The same sources give the same version on every machine, with or without a Git checkout.
 */
export function codeVersion(): string {
  const hash = createHash('sha256');
  for (const room of ROOMS) {
    const directory = join(__dirname, '..', room);
    const files = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'));
    for (const file of files.map((name) => name.replaceAll('\\', '/')).sort()) {
      hash.update(`${room}/${file}\n`).update(readFileSync(join(directory, file)));
    }
  }
  return `${packageVersion()}+${hash.digest('hex').slice(0, HASH_DIGITS)}`;
}
