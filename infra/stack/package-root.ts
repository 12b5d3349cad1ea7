import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

/** Folder of package.json: the same seen from a source file and from its compiled one in `dist/`. */
export function packageRoot(): string {
  for (let directory = __dirname; directory !== dirname(directory); directory = dirname(directory)) {
    if (existsSync(join(directory, 'package.json'))) return directory;
  }
  throw new Error(`no package.json above ${__dirname}`);
}

/** Loads one of the scripts that must also run before anything is built, such as `infra/bootstrap/process-lock.cjs`. */
export function requireUnbuilt(path: string): unknown {
  const root = packageRoot();
  return createRequire(join(root, 'package.json'))(join(root, path));
}
