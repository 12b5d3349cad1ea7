import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ensureBuild } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { say } from './narrate.mjs';
import { PACKAGE } from './package-folder.mjs';

/** `npm run bench`: everything a fresh clone lacks, then the speed table (docs/bench.md). */
try {
  await ensureDependencies();
  await ensureBuild();
} catch (error) {
  say(error.message);
  process.exit(1);
}
const bench = spawn(process.execPath, [join(PACKAGE, 'dist', 'bench', 'main.js'), ...process.argv.slice(2)], { stdio: 'inherit' });
bench.once('close', (code) => {
  process.exitCode = code ?? 1;
});
