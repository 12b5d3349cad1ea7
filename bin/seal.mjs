#!/usr/bin/env node
import { ensureReady } from '../infra/bootstrap/ready.mjs';
import { runSeal } from '../infra/bootstrap/run-seal.mjs';

/** The `seal` command: installs and compiles what is missing or changed, then runs. */
await ensureReady();
runSeal(process.argv.slice(2));
