/** Turns what zod finds wrong in a user's file into the one line a user reads. */
import type { z } from 'zod';
import { BadInputError } from '../contracts/errors';

/** `[3].questions[0].answer` for the path 3, questions, 0, answer. */
export function fieldPath(path: readonly PropertyKey[]): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

/** What stands at the wrong place, short enough for one line. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value).replace(INVISIBLE, escaped);
  // never half of a surrogate pair
  return text.length > 60 ? `${text.slice(0, 57).replace(/[\uD800-\uDBFF]$/, '')}...` : text;
}

/** What JSON leaves as it is but breaks a line, or turns its direction. */
const INVISIBLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * Checks `json` against `schema`; `where` names its file.
 *
 * @throws BadInputError naming the first wrong field, what is expected there and what stands there
 */
export function parseFile<Schema extends z.ZodType>(schema: Schema, json: unknown, where: string): z.output<Schema> {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  throw badField(
    where,
    issue.path,
    inWords(issue.message.replace(/^Invalid input: expected /, '').replace(/, received .*$/, '')),
    json,
  );
}

const WORDS: Readonly<Record<string, string>> = { array: 'a list', object: 'an object', string: 'a text', number: 'a number', boolean: 'true or false' };

function inWords(expected: string): string {
  return WORDS[expected] ?? expected;
}

/** A BadInputError about the value at `path` of `json`. */
export function badField(where: string, path: readonly PropertyKey[], expected: string, json: unknown): BadInputError {
  const value = path.reduce<unknown>(
    (parent, key) => (parent as Record<PropertyKey, unknown> | undefined)?.[key],
    json,
  );
  const field = fieldPath(path);
  return new BadInputError({ where: field === '' ? where : `${where}: ${field}`, expected, got: describeValue(value) });
}
