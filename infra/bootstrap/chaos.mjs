import { join } from 'node:path';
import { ensureReady } from './ready.mjs';
import { runCompiled } from './run-seal.mjs';
import { SERVERS } from './server-catalogue.mjs';
import { serverProgram } from './server-programs.mjs';

/** `npm run chaos`: everything a fresh clone lacks, then campaigns under kills (docs/durability.md). */
await ensureReady(async () => {
  for (const program of Object.values(SERVERS)) await serverProgram(program);
});
runCompiled(join('chaos', 'main.js'), process.argv.slice(2));
