import { Command, Option } from 'commander';
import { BadInputError } from '../campaign/errors';
import { createOutput, type Output, type Streams } from './output';

/** What every command carries, beside its own flags. */
export interface CommonFlags {
  readonly json?: true;
}

/** A subcommand with the flags that every command has. */
export function newCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .helpCommand(false)
    .addOption(new Option('--json', 'print one JSON document on stdout, everything else on stderr'));
}

/** Reads the flags of `command`, runs `body`, and leaves every failure to `run`. */
export function runWith<Flags extends CommonFlags>(
  command: Command,
  body: (flags: Flags, output: Output, positional: readonly string[]) => Promise<void> | void,
): Command {
  const required = command.options.filter((option) => option.mandatory);
  // Left to Commander, a misspelt flag would be reported as a missing one.
  for (const option of required) option.mandatory = false;
  return command.action(async () => {
    // `--json` of a command within a command is read by the outer one.
    const flags = command.optsWithGlobals<Flags>();
    for (const option of required) {
      if (Object.hasOwn(flags, option.attributeName())) continue;
      throw new BadInputError({ where: option.long ?? option.flags, expected: `a value (${option.flags})`, got: 'none' });
    }
    await body(flags, createOutput(flags.json === true, streamsOf(command)), command.args);
  });
}

/** Those that the program was created with. */
function streamsOf(command: Command): Streams {
  const streams = command.configureOutput();
  return {
    writeOut: (text) => streams.writeOut?.(text),
    writeErr: (text) => streams.writeErr?.(text),
  };
}

/** The user ended the command before it was done. */
class InterruptedError extends Error {
  override readonly name = 'InterruptedError';
  readonly code = 'INTERRUPTED';
}

/**
 * Aborts on the first interrupt, so that child processes end before the command does; a second one ends it at once.
 * @param aftermath what goes on, or does not, after an interrupt
 * @throws InterruptedError
 */
export async function withInterrupt<Result>(aftermath: string, body: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort();
  };
  process.once('SIGINT', abort);
  process.once('SIGTERM', abort);
  try {
    return await body(controller.signal);
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    throw new InterruptedError(`interrupted: ${aftermath}`, { cause: error });
  } finally {
    process.off('SIGINT', abort);
    process.off('SIGTERM', abort);
  }
}
