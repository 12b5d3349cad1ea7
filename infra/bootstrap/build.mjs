import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { narrated, say } from './narrate.mjs';
import { PACKAGE } from './package-folder.mjs';
import lock from './process-lock.cjs';
import { run } from './run-command.mjs';

const DIST = join(PACKAGE, 'dist');
/** Written after a build without errors. */
const STAMP = join(DIST, '.built');
const TSCONFIG = join(PACKAGE, 'tsconfig.json');

/** Compiles if a source is newer than what was made of it. An installed package has no sources: nothing to do. */
export async function ensureBuild() {
  if (!existsSync(TSCONFIG) || isUpToDate()) return;
  await build();
}

/**
 * Type-checks and compiles.
 * @throws Error with the compiler's messages
 */
export async function build() {
  await lock.withLock(
    join(PACKAGE, '.build.lock'),
    async () => {
      rmSync(STAMP, { force: true });
      await narrated('compiling', compile, 'about 10 s the first time');
      removeOrphans();
      writeFileSync(STAMP, '');
    },
    () => say('waiting for another process that is compiling'),
  );
}

async function compile() {
  const started = new Date();
  // The incremental compiler trusts its notes about files that may since have been removed.
  if (!sources().every(({ compiled }) => existsSync(compiled))) rmSync(join(DIST, '.tsbuildinfo'), { force: true });
  await run(process.execPath, [join(PACKAGE, 'node_modules', 'typescript', 'bin', 'tsc'), '--project', TSCONFIG], {
    cwd: PACKAGE,
    output: 'inherit',
  });
  // A source that was touched but not changed is not emitted again.
  for (const { source, compiled } of sources()) {
    if (statSync(source).mtime <= started && statSync(compiled).mtime < statSync(source).mtime) {
      utimesSync(compiled, started, started);
    }
  }
}

function isUpToDate() {
  if (!existsSync(STAMP)) return false;
  return sources().every(
    ({ source, compiled }) => existsSync(compiled) && statSync(source).mtimeMs <= statSync(compiled).mtimeMs,
  );
}

/** @returns {{ source: string, compiled: string }[]} */
function sources() {
  return rooms().flatMap((room) =>
    filesBelow(join(PACKAGE, room))
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
      .map((source) => ({ source, compiled: join(DIST, relative(PACKAGE, source)).replace(/\.ts$/, '.js') })),
  );
}

/** What was compiled from a source that is gone would still be found, as a test for example. */
function removeOrphans() {
  const expected = new Set(sources().map(({ compiled }) => compiled));
  for (const room of rooms()) {
    for (const file of filesBelow(join(DIST, room)).filter((name) => name.endsWith('.js'))) {
      if (expected.has(file)) continue;
      rmSync(file);
      rmSync(`${file}.map`, { force: true });
    }
  }
}

/** @returns {string[]} */
function rooms() {
  return JSON.parse(readFileSync(TSCONFIG, 'utf8')).include;
}

/** @returns {string[]} */
function filesBelow(directory) {
  if (!existsSync(directory)) return [];
  return readdirSync(directory, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}
