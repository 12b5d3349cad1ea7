import { spawn } from 'node:child_process';

/**
 * Runs a command to its end.
 * @param {string} command
 * @param {string[]} args
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, output?: 'inherit' | 'collect' }} [options]
 *   `collect` (default) keeps standard output and error for the message of a failure; `inherit` shows them as they come.
 * @returns {Promise<string>} the collected output
 * @throws Error with the end of the output if it cannot be started or exits with anything but 0
 */
export async function run(command, args, { cwd, env = process.env, output = 'collect' } = {}) {
  const stdio = output === 'inherit' ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'];
  const child = spawn(command, args, { cwd, env, stdio });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (part) => (text += part));
  const { code, signal } = await new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new Error(`${command}: ${cause.message}`, { cause })));
    child.once('close', (code, signal) => resolve({ code, signal }));
  });
  if (code !== 0) {
    const end = text.trim().split('\n').slice(-5).join(' | ');
    throw new Error(`${command} ${args.join(' ')}: ${signal ?? `exit ${code}`}${end === '' ? '' : `: ${end}`}`);
  }
  return text;
}
