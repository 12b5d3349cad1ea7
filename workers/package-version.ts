import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** Of the package.json beside the compiled `dist/` folder. */
export function packageVersion(): string {
  const file = join(__dirname, '..', '..', 'package.json');
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(file, 'utf8'))).version;
}
