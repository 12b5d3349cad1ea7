import { BadInputError } from '../campaign/errors';

/** Returns this process's environment. What is a setting is read from it in this room alone. */
export function environment(): NodeJS.ProcessEnv {
  return process.env;
}

/** Returns a variable's text; one that is set to nothing counts as not set. */
export function variable(env: Readonly<Record<string, string | undefined>>, name: string): string | undefined {
  const text = env[name];
  return text === '' ? undefined : text;
}

interface Range {
  readonly fallback: number;
  readonly least: number;
  readonly most: number;
}

/** Returns a variable's whole number, or `fallback` where it is not set. @throws BadInputError naming the variable */
export function wholeNumber(env: NodeJS.ProcessEnv, name: string, { fallback, least, most }: Range): number {
  const text = variable(env, name);
  if (text === undefined) return fallback;
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new BadInputError({ where: name, expected: `a whole number from ${least} to ${most}`, got: JSON.stringify(text) });
}

/** Whether `SEAL_DEBUG` asks for the stack of an error that ends a command. */
export function wantsStacks(env: NodeJS.ProcessEnv = environment()): boolean {
  return variable(env, 'SEAL_DEBUG') !== undefined;
}
