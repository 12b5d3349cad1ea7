import { CommanderError } from 'commander';
import { BadInputError, oneLine, ServerUnreachableError, StoreRefusedError } from '../campaign/errors';

/** How a failed command ends. */
export interface Failure {
  /** 1: it failed; 2: bad input. */
  readonly exitCode: 1 | 2;
  readonly code: string;
  /** One line. */
  readonly message: string;
}

/** Exit code, code and one-line message of whatever a command threw. */
export function describeFailure(error: unknown): Failure {
  if (error instanceof BadInputError || error instanceof ServerUnreachableError || error instanceof StoreRefusedError) {
    return { exitCode: 2, code: error.code, message: oneLine(error.message) };
  }
  if (error instanceof CommanderError) {
    return { exitCode: 2, code: 'BAD_INPUT', message: oneLine(usageMessage(error)) };
  }
  if (error instanceof Error) {
    const code = (error as { code?: unknown }).code;
    return {
      exitCode: 1,
      code: typeof code === 'string' ? code : 'FAILED',
      message: oneLine(error.message === '' ? error.name : error.message),
    };
  }
  return { exitCode: 1, code: 'FAILED', message: oneLine(String(error)) };
}

/** Commander's complaint, said the way every other bad input is: where, expected, got. */
function usageMessage(error: CommanderError): string {
  const quoted = /'([^']*)'/.exec(error.message)?.[1] ?? '';
  const suggestion = /\(Did you mean ([^)]*)\?\)/.exec(error.message)?.[1];
  const hint = suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`;
  const flag = quoted.split(/[ ,|]+/).find((part) => part.startsWith('--')) ?? quoted;
  switch (error.code) {
    case 'commander.unknownOption':
      return `${quoted}: expected a flag that this command has (see --help), got an unknown one${hint}`;
    case 'commander.unknownCommand':
      return `command: expected one that seal --help lists, got ${JSON.stringify(quoted)}${hint}`;
    case 'commander.missingArgument':
      return `${quoted}: expected a value, got none (see --help)`;
    case 'commander.optionMissingArgument':
      return `${flag}: expected a value, got none`;
    case 'commander.excessArguments':
      return `arguments: ${error.message.replace(/^error: /, '').replace(/^.*Expected/, 'expected').replace(/ but got/, ', got').replace(/\.$/, '')}`;
    default:
      return error.message.replace(/^error: /, '');
  }
}
