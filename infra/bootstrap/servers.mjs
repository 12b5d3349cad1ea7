import { say } from './narrate.mjs';
import { SERVERS } from './server-catalogue.mjs';
import { serverProgram } from './server-programs.mjs';

/**
 * `node infra/bootstrap/servers.mjs [temporal] [versitygw]`: sees to it that the embedded servers' programs are there
 * and prints their paths as one JSON object. Default: both.
 */
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(SERVERS);
try {
  const paths = {};
  for (const name of names) {
    const program = SERVERS[name];
    if (program === undefined) throw new Error(`expected ${Object.keys(SERVERS).join(' or ')}, got ${name}`);
    paths[name] = await serverProgram(program);
  }
  process.stdout.write(`${JSON.stringify(paths)}\n`);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
