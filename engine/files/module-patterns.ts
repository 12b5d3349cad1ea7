import { runInNewContext } from 'node:vm';
import { BadInputError } from '../../campaign/errors';
import { describeValue } from './json-file';

/** A pattern that backtracks for ever is stopped. */
const TIMEOUT_MS = 1000;

const FIRST_MATCHES = `
  const compiled = patterns.map((pattern) => new RegExp('^' + before + '(?:' + pattern + ')$'));
  names.map((name) => compiled.findIndex((pattern) => pattern.test(name))).join(' ');
`;

/**
 * For each name the index of the first pattern that matches it, or -1.
 *
 * Patterns are written as Python has them, since PEFT's configurations hold Python's: named groups and the ends of a text are
 * translated; what only one of the two languages knows is refused.
 *
 * @param where what an error calls the patterns
 * @param part a pattern matches the whole name, or also its end after a dot
 * @throws BadInputError for a pattern that is none, or that takes more than a second
 */
export function firstMatches(patterns: readonly string[], names: readonly string[], where: string, part: 'whole' | 'end' = 'whole'): readonly number[] {
  if (patterns.length === 0) return names.map(() => -1);
  try {
    // Only the other context's clock can stop a pattern.
    const context = { patterns: patterns.map(fromPython), names, before: part === 'whole' ? '' : '(?:.*\\.)?' };
    const found: unknown = runInNewContext(FIRST_MATCHES, context, { timeout: TIMEOUT_MS });
    return String(found).split(' ').map(Number);
  } catch (cause) {
    throw new BadInputError({ where, expected: 'regular expressions of module names', got: describeFailure(cause, patterns) }, { cause });
  }
}

function fromPython(pattern: string): string {
  return pattern.replaceAll('(?P<', '(?<').replace(/\(\?P=(\w+)\)/g, '\\k<$1>').replaceAll('\\A', '^').replaceAll('\\Z', '$');
}

function describeFailure(cause: unknown, patterns: readonly string[]): string {
  const shown = describeValue(patterns.length === 1 ? patterns[0] : patterns);
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  // An error of another context is no instance of this one's SyntaxError.
  return code === 'ERR_SCRIPT_EXECUTION_TIMEOUT' ? `${shown}, still matching after ${TIMEOUT_MS / 1000} s` : `${shown}, which cannot be read as one`;
}
