import { ensureBuild } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { say } from './narrate.mjs';
import { SERVERS } from './server-catalogue.mjs';
import { serverProgram } from './server-programs.mjs';
import { runSeal } from './run-seal.mjs';

/** `npm run demo`: everything a fresh clone lacks, then `seal demo`. */
try {
  await ensureDependencies();
  await ensureBuild();
  for (const program of Object.values(SERVERS)) await serverProgram(program);
} catch (error) {
  say(error.message);
  process.exit(1);
}
runSeal(['demo', ...process.argv.slice(2)]);
