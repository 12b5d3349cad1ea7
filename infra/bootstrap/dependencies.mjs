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
      if (!areInstalled()) await narrated('installing dependencies with npm ci', npmCi, 'about half a minute');
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

function npmCi() {
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  // onnxruntime-node would download CUDA libraries, and fail the installation where it cannot; `seal doctor` tells how to
  // add them.
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  const npm = process.env.npm_execpath;
  return npm === undefined || !existsSync(npm)
    ? run('npm', args, { cwd: PACKAGE, env })
    : run(process.execPath, [npm, ...args], { cwd: PACKAGE, env });
}
