import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** The recorded data of the reference: `$SEAL_SHARED_DATA`, else `../shared/data` beside the repository. */
const SHARED_DATA = process.env['SEAL_SHARED_DATA'] ?? resolve(process.cwd(), '../shared/data');

/** `test` where the file of the shared data is present, else `test.skip`, so that the report names what was not run. */
export function testWith(file: string): jest.It {
  return existsSync(join(SHARED_DATA, file)) ? test : test.skip;
}

export function sharedText(file: string): string {
  return readFileSync(join(SHARED_DATA, file), 'utf8');
}

export function sharedJson(file: string): unknown {
  return JSON.parse(sharedText(file));
}
