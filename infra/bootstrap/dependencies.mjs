import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { narrated, say } from './narrate.mjs';
import { PACKAGE } from './package-folder.mjs';
import lock from './process-lock.cjs';
import { run } from './run-command.mjs';

/** Installs exactly what package-lock.json names, unless that is what is installed. */
export async function ensureDependencies() {
  if (areInstalled()) return;
  await lock.withLock(
    join(PACKAGE, '.npm-ci.lock'),
    async () => {
      if (!areInstalled()) await narrated('installing dependencies with npm', install, 'about half a minute');
    },
    () => say('waiting for another process that is installing dependencies'),
  );
}

/** npm itself writes the inner lock file, last, so that it stands for a whole installation. */
function areInstalled() {
  const inner = join(PACKAGE, 'node_modules', '.package-lock.json');
  if (!existsSync(inner)) return false;
  const wanted = packagesOf(join(PACKAGE, 'package-lock.json'));
  const installed = packagesOf(inner);
  return Object.entries(wanted).every(([path, { version, optional, peer }]) => {
    if (path === '') return true;
    const there = installed[path];
    // Programs for other platforms are not installed.
    return there === undefined ? optional === true || peer === true : there.version === version;
  });
}

/** @returns {Record<string, { version: string, optional?: boolean, peer?: boolean }>} */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/**
 * A registry that lags behind for some platforms makes `npm ci` refuse a lock file that is whole; `npm install` then
 * installs the same versions of everything that this platform needs.
 */
async function install() {
  try {
    await npm('ci');
  } catch (error) {
    say(`npm ci failed, trying npm install: ${error.message}`);
    await npm('install', '--no-save');
  }
}

function npm(...command) {
  const args = [...command, '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // onnxruntime-node would download CUDA libraries, and fail the installation where it cannot; `seal doctor` tells how to
  // add them.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const own = process.env.npm_execpath;
  return own === undefined || !existsSync(own)
    ? run('npm', args, { cwd: PACKAGE, env })
    : run(process.execPath, [own, ...args], { cwd: PACKAGE, env });
}
