import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PACKAGE } from './package-folder.mjs';

/** Runs the compiled command line in this process, as if it had been called with these arguments. */
export function runSeal(args) {
  runCompiled(join('cli', 'main.js'), args);
}

/** Runs a compiled program, named from `dist`, in this process. */
export function runCompiled(program, args) {
  const main = join(PACKAGE, 'dist', program);
  process.argv = [process.argv[0], main, ...args];
  process.setSourceMapsEnabled(true);
  createRequire(import.meta.url)(main);
}
