#!/usr/bin/env node
import { CommanderError } from 'commander';
import { createProgram } from './program';
import { describeFailure } from './failure';

/** Commander's ways of saying that it has printed what was asked for (`--help`, `--version`). */
const PRINTED = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

/** Runs one command line and sets the exit code: 0 done, 1 failed, 2 bad input. */
async function main(argv: readonly string[]): Promise<void> {
  try {
    await createProgram().parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError && PRINTED.has(error.code) && error.exitCode === 0) return;
    const failure = describeFailure(error);
    if (argv.includes('--json')) {
      process.stdout.write(`${JSON.stringify({ error: { code: failure.code, message: failure.message } })}\n`);
    }
    process.stderr.write(`${failure.message}\n`);
    if (process.env['SEAL_DEBUG'] !== undefined && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n`);
    process.exitCode = failure.exitCode;
  }
}

// A reader that has seen enough (`| head`) ends the command quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
  process.exit(0);
});

void main(process.argv.slice(2));
