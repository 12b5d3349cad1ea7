import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Of the package.json beside the compiled `dist/` folder. */
export function packageVersion(): string {
  const file = join(__dirname, '..', '..', 'package.json');
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}
