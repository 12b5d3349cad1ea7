import { CommanderError } from 'commander';
import { wantsStacks } from '../settings/environment';
import { AuditBreakError } from './audit-break-error';
import { describeFailure } from './failure';
import type { Streams } from './output';
import { PartialResultError } from './partial-result-error';
import { createProgram } from './program';

/** Commander's ways of saying that it has printed what was asked for (`--help`, `--version`). */
const PRINTED = new Set(['commander.help', 'commander.helpDisplayed', 'commander.version']);

/** Runs one command line. @returns the exit code: 0 done, 1 failed, 2 bad input */
export async function run(argv: readonly string[], streams: Streams): Promise<0 | 1 | 2> {
  try {
    await createProgram(streams).parseAsync([...argv], { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && PRINTED.has(error.code) && error.exitCode === 0) return 0;
    const failure = describeFailure(error);
    if (argv.includes('--json')) {
      const result = error instanceof PartialResultError || error instanceof AuditBreakError ? error.result : {};
      streams.writeOut(`${JSON.stringify({ ...result, error: { code: failure.code, message: failure.message } })}\n`);
    }
    streams.writeErr(`${failure.message}\n`);
    if (wantsStacks() && error instanceof Error) streams.writeErr(`${error.stack ?? ''}\n`);
    return failure.exitCode;
  }
}
