import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { PACKAGE } from './package-folder.mjs';
import { ensureReady } from './ready.mjs';

/** `npm run bench`: everything a fresh clone lacks, then the speed table (docs/bench.md). */
await ensureReady();
const bench = spawn(process.execPath, [join(PACKAGE, 'dist', 'bench', 'main.js'), ...process.argv.slice(2)], { stdio: 'inherit' });
bench.once('close', (code) => {
  process.exitCode = code ?? 1;
});
