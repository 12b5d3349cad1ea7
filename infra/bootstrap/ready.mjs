import { ensureBuild } from './build.mjs';
import { ensureDependencies } from './dependencies.mjs';
import { say } from './narrate.mjs';

/**
 * Installs and compiles what is missing or changed, then does `more`; what fails is said in a line, and ends the process.
 * @param {() => Promise<void>} [more]
 */
export async function ensureReady(more) {
  try {
    await ensureDependencies();
    await ensureBuild();
    await more?.();
  } catch (error) {
    say(error.message);
    process.exit(1);
  }
}
