/** Turns what zod finds wrong in a document of the user's into the one line a user reads: the only place where its issues get words. */
import { z } from 'zod';
import { BadInputError } from './errors';

type Path = readonly PropertyKey[];

/** How a line names the field at a path: with its file, and the line of the file where that is known. */
export type Place = (path: Path) => string;

/** `[3].questions[0].answer` for the path 3, questions, 0, answer. */
export function fieldPath(path: Path): string {
  return path
    .map((key) => (typeof key === 'number' ? `[${key}]` : `.${String(key)}`))
    .join('')
    .replace(/^\./, '');
}

/** Fields of a document without known lines: `file: field`. */
export function placeIn(file: string): Place {
  return (path) => (path.length === 0 ? file : `${file}: ${fieldPath(path)}`);
}

/** What stands at the wrong place, short enough for one line. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return describeList(value);
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value).replace(INVISIBLE, escaped);
  // never half of a surrogate pair
  return text.length > 60 ? `${text.slice(0, 57).replace(/[\uD800-\uDBFF]$/, '')}...` : text;
}

function describeList(list: readonly unknown[]): string {
  if (list.length === 0) return 'an empty list';
  const isShort = list.length <= 3 && list.every((entry) => typeof entry === 'number');
  return isShort ? `[${list.join(', ')}]` : `a list of ${list.length}`;
}

/** What JSON leaves as it is but breaks a line, or turns its direction. */
const INVISIBLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

/**
 * Returns `document` as `schema` gives it, defaults filled in.
 *
 * @param place names its fields
 * @throws BadInputError for the first wrong field: where it is, what is expected there and what stands there
 */
export function parseBySchema<Schema extends z.ZodType>(schema: Schema, document: unknown, place: Place): z.output<Schema> {
  const parsed = schema.safeParse(document, { error: expectedBy });
  if (parsed.success) return parsed.data;
  const { issues } = parsed.error;
  // A misspelt key is also a missing one; the misspelling is what the user has to see.
  const issue = innermost(issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!);
  if (issue.code === 'unrecognized_keys') {
    const where = place([...issue.path, issue.keys[0] ?? '']);
    throw new BadInputError({ where, expected: `one of the keys ${knownKeys(schema, issue.path).join(', ')}`, got: 'an unknown key' });
  }
  const got: unknown = issue.code === 'custom' ? issue.params?.['got'] : undefined;
  const error = badField(place, issue.path, issue.message, document);
  throw typeof got === 'string' ? new BadInputError({ ...error.detail, got }) : error;
}

/** A BadInputError about the value at `path` of `document`. */
export function badField(place: Place, path: Path, expected: string, document: unknown): BadInputError {
  const value = path.reduce<unknown>((parent, key) => (typeof parent === 'object' && parent !== null ? (parent as Record<PropertyKey, unknown>)[key] : undefined), document);
  return new BadInputError({ where: place(path), expected, got: describeValue(value) });
}

/** Of several forms that a value may have: the mistake inside of the form that it nearly has, or else the complaint about all the forms. */
function innermost(issue: z.core.$ZodIssue): z.core.$ZodIssue {
  if (issue.code !== 'invalid_union') return issue;
  const firsts = firstsOf(issue).map((first) => innermost({ ...first, path: [...issue.path, ...first.path] }));
  return firsts.find(({ path }) => path.length > issue.path.length) ?? issue;
}

function firstsOf({ errors }: { readonly errors: readonly (readonly z.core.$ZodIssue[])[] }): z.core.$ZodIssue[] {
  return errors.flatMap(([first]) => first ?? []);
}

/** What an issue expects, in words; the words that a schema has of its own come first. */
function expectedBy(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return TYPES[issue.expected] ?? issue.expected;
    case 'invalid_value':
      return issue.values.length === 1 ? String(issue.values[0]) : `one of ${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return bound(issue.origin, issue.inclusive === true ? 'at least' : 'above', Number(issue.minimum));
    case 'too_big':
      return bound(issue.origin, issue.inclusive === true ? 'at most' : 'below', Number(issue.maximum));
    case 'invalid_union':
      return [...new Set(firstsOf(issue).map(({ message }) => message))].join(', or ');
    default:
      return undefined;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  int: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list of two',
  object: 'an object with keys',
  record: 'an object with keys',
};

function bound(origin: string, relation: string, limit: number): string {
  switch (origin) {
    case 'string':
      return limit === 1 ? 'a text that is not empty' : `a text of ${relation} ${limit} characters`;
    case 'array':
      return `a list of ${relation} ${limit} entries`;
    default:
      return `a number ${relation === 'above' || relation === 'below' ? '' : 'of '}${relation} ${limit}`;
  }
}

/** The part of JSON Schema that says which keys a section knows. */
interface KeySchema {
  readonly properties?: Readonly<Record<string, KeySchema>>;
}

function knownKeys(schema: z.ZodType, path: Path): string[] {
  let section: KeySchema | undefined = z.toJSONSchema(schema, { io: 'input' }) as KeySchema;
  for (const key of path) section = section?.properties?.[String(key)];
  return Object.keys(section?.properties ?? {});
}
