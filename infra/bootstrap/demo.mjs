import { ensureReady } from './ready.mjs';
import { SERVERS } from './server-catalogue.mjs';
import { serverProgram } from './server-programs.mjs';
import { runSeal } from './run-seal.mjs';

/** `npm run demo`: everything a fresh clone lacks, then `seal demo`. */
await ensureReady(async () => {
  for (const program of Object.values(SERVERS)) await serverProgram(program);
});
runSeal(['demo', ...process.argv.slice(2)]);
