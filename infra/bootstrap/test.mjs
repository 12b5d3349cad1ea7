import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { narrated, say } from './narrate.mjs';
import { PACKAGE } from './package-folder.mjs';
import { run } from './run-command.mjs';
import { SERVERS } from './server-catalogue.mjs';
import { serverProgram } from './server-programs.mjs';

/**
 * `npm test`: dependencies, type check and build, lint, the servers' programs, then the tests. Ends with the line
 * `N passed, N failed`. `npm test -- test/storage` runs only the tests below a folder, with everything before them.
 */
try {
  await ensureDependencies();
  await build();
  await narrated('linting', lint, 'about 30 s');
  for (const program of Object.values(SERVERS)) await serverProgram(program);
  process.exitCode = await jest(process.argv.slice(2));
} catch (error) {
  say(error.message);
  process.stdout.write('0 passed, 1 failed\n');
  process.exitCode = 1;
}

function lint() {
  const eslint = join(PACKAGE, 'node_modules', 'eslint', 'bin', 'eslint.js');
  return run(process.execPath, [eslint, '.', '--max-warnings', '0'], { cwd: PACKAGE, output: 'inherit' });
}

/** @returns {Promise<number>} the exit code; the reporter has printed the totals */
function jest(args) {
  const program = join(PACKAGE, 'node_modules', 'jest', 'bin', 'jest.js');
  const compiled = args.map((arg) => (existsSync(join(PACKAGE, arg)) ? join('dist', arg).replace(/\.ts$/, '.js') : arg));
  const child = spawn(process.execPath, ['--enable-source-maps', program, ...compiled], {
    cwd: PACKAGE,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}
