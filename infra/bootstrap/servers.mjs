import { say } from './narrate.mjs';
import { SERVERS } from './server-catalogue.mjs';
import { findServerProgram, serverProgram } from './server-programs.mjs';

/**
 * `node infra/bootstrap/servers.mjs [temporal] [versitygw]`: sees to it that the embedded servers' programs are there
 * and prints their paths as one JSON object. Default: both.
 * `node infra/bootstrap/servers.mjs --only-find NAME`: prints where it is, or exits with 1; gets nothing.
 */
const [first, ...rest] = process.argv.slice(2);
try {
  if (first === '--only-find') await find(rest[0]);
  else await ensure(first === undefined ? Object.keys(SERVERS) : [first, ...rest]);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}

async function find(name) {
  const path = await findServerProgram(programNamed(name));
  if (path === undefined) throw new Error(`${name} is not here`);
  process.stdout.write(path);
}

async function ensure(names) {
  const paths = {};
  for (const name of names) paths[name] = await serverProgram(programNamed(name));
  process.stdout.write(`${JSON.stringify(paths)}\n`);
}

function programNamed(name) {
  const program = SERVERS[name];
  if (program === undefined) throw new Error(`expected ${Object.keys(SERVERS).join(' or ')}, got ${name}`);
  return program;
}
