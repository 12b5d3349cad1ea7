#!/usr/bin/env node
import { ensureBuild } from '../infra/bootstrap/build.mjs';
import { ensureDependencies } from '../infra/bootstrap/dependencies.mjs';
import { say } from '../infra/bootstrap/narrate.mjs';
import { runSeal } from '../infra/bootstrap/run-seal.mjs';

/** The `seal` command: installs and compiles what is missing or changed, then runs. */
try {
  await ensureDependencies();
  await ensureBuild();
} catch (error) {
  say(error.message);
  process.exit(1);
}
runSeal(process.argv.slice(2));
