import {
  accessSync,
  chmodSync,
  constants,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { basename, delimiter, join, resolve } from 'node:path';
import binaries from './binary-cache.cjs';
import { download } from './download.mjs';
import directories from './make-directory.cjs';
import { narrated, say } from './narrate.mjs';
import lock from './process-lock.cjs';
import { run } from './run-command.mjs';
import { RELEASES_URL } from './server-catalogue.mjs';

/**
 * Path of a server's program: the one the user names, on PATH, cached, downloaded or built, in this order.
 * A way that fails is said, with its reason, and the next one is taken.
 * @param {import('./server-catalogue.mjs').ServerProgram} program
 * @param {NodeJS.ProcessEnv} [env]
 * @returns {Promise<string>}
 */
export async function serverProgram(program, env = process.env) {
  const found = await findServerProgram(program, env);
  if (found !== undefined) return found;
  const cached = cachedProgram(program, env);
  return lock.withLock(
    `${cached}.lock`,
    async () => {
      if (!isExecutable(cached)) await obtain(program, cached, env);
      return cached;
    },
    () => say(`waiting for another process that is getting ${program.name}`),
  );
}

/**
 * The program if it is here already: named, on PATH or cached.
 * @returns {Promise<string | undefined>}
 */
export async function findServerProgram(program, env = process.env) {
  const named = env[program.variable];
  if (named !== undefined && named !== '') return executable(named, program.variable);
  const installed = await onPath(program, env);
  if (installed !== undefined) return installed;
  const cached = cachedProgram(program, env);
  return isExecutable(cached) ? cached : undefined;
}

function cachedProgram(program, env) {
  return join(binaries.binaryCache(env), `${program.name}-${program.version}`);
}

function executable(path, variable) {
  const absolute = resolve(path);
  if (!isExecutable(absolute)) throw new Error(`${variable}: expected an executable file, got ${path}`);
  return absolute;
}

/** @returns {Promise<string | undefined>} */
async function onPath(program, env) {
  for (const directory of (env.PATH ?? '').split(delimiter)) {
    const path = join(directory, program.name);
    if (directory === '' || !isExecutable(path)) continue;
    if (program.atLeast === undefined) return path;
    const version = await versionOf(program, path);
    if (version !== undefined && !isOlder(version, program.atLeast)) return path;
    say(`not using ${path}: expected version ${program.atLeast} or later, got ${version ?? 'one that does not say'}`);
  }
  return undefined;
}

/** A release says its version; what `go install` built only carries it in its build information. */
async function versionOf(program, path) {
  const said = /v(\d+\.\d+\.\d+)/.exec(await run(path, ['--version']));
  if (said !== null) return said[1];
  const module = program.goPackage.split('/cmd/')[0].replaceAll('.', '\\.');
  return new RegExp(`\\nmod\\t${module}\\tv(\\d+\\.\\d+\\.\\d+)\\t`).exec(readFileSync(path, 'latin1'))?.[1];
}

function isOlder(version, than) {
  const [a, b] = [version, than].map((text) => text.split('.').map(Number));
  const differing = a.findIndex((part, index) => part !== b[index]);
  return differing !== -1 && a[differing] < b[differing];
}

/** Everything happens in a folder aside; the finished program is moved into place. */
async function obtain(program, target, env) {
  const cache = binaries.binaryCache(env);
  directories.makeDirectory(cache);
  // Under the lock, any other folder aside was left by a process that was killed.
  for (const left of readdirSync(cache).filter((name) => name.startsWith(`${basename(target)}.partial-`))) {
    rmSync(join(cache, left), { recursive: true, force: true });
  }
  const aside = mkdtempSync(`${target}.partial-`);
  try {
    const built = (await downloaded(program, aside, env)) ?? (await compiled(program, aside, env));
    chmodSync(built, 0o755);
    renameSync(built, target);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

/** @returns {Promise<string | undefined>} undefined, and said why, if it cannot be had that way */
async function downloaded(program, aside, env) {
  const platform = `${process.platform}-${process.arch}`;
  const release = program.release(platform);
  if (release === undefined) {
    say(`no published ${program.name} is known for ${platform}`);
    return undefined;
  }
  try {
    return await narrated(
      `downloading ${program.name} ${program.version}`,
      async () => {
        const archive = join(aside, 'archive.tar.gz');
        await download(`${env.SEAL_RELEASES_URL || RELEASES_URL}/${release.path}`, archive, release.sha256);
        await run('tar', ['-xzf', archive, '-C', aside, release.member]);
        return join(aside, release.member);
      },
      'about 50 MB',
    );
  } catch (error) {
    say(`could not download ${program.name}: ${error.message}`);
    return undefined;
  }
}

async function compiled(program, aside, env) {
  try {
    await narrated(
      `building ${program.name} ${program.version} from source with Go`,
      () => run('go', ['install', program.goPackage], { env: { ...env, GOBIN: aside } }),
      program.buildTime,
    );
  } catch (error) {
    throw new Error(
      `no ${program.name}: put ${program.name} ${program.version} on PATH, name it in ${program.variable}, ` +
        `or install Go; the last way failed with ${error.message}`,
      { cause: error },
    );
  }
  return join(aside, program.name);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch (error) {
    if (['ENOENT', 'EACCES', 'ENOTDIR'].includes(error.code)) return false;
    throw error;
  }
}
