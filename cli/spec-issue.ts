import { z } from 'zod';
import { kindOf } from './input-file';

/** A schema's first complaint about a document, in the words the command line uses. */
export interface SpecIssue {
  /** Path of the field, for looking it up in the document. */
  readonly path: readonly (string | number)[];
  readonly expected: string;
  readonly got: string;
}

type Path = readonly (string | number)[];
/** The part of JSON Schema that says which keys a section knows. */
interface KeySchema {
  readonly properties?: Readonly<Record<string, KeySchema>>;
}

/** Turns zod's issue about `document` into field, expected and got. */
export function describeIssue(issue: z.core.$ZodIssue, document: unknown, schema: z.ZodType): SpecIssue {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  const got = describeValue(valueAt(document, path));
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys(schema, path);
      return { path: [...path, issue.keys[0] ?? ''], expected: `one of the keys ${known.join(', ')}`, got: 'an unknown key' };
    }
    case 'invalid_type':
      return { path, expected: typeInWords(issue.expected), got };
    case 'invalid_value':
      return { path, expected: listInWords(issue.values.map(String)), got };
    case 'too_small':
      return { path, expected: bound(issue.origin, issue.inclusive === true ? 'at least' : 'above', Number(issue.minimum)), got };
    case 'too_big':
      return { path, expected: bound(issue.origin, issue.inclusive === true ? 'at most' : 'below', Number(issue.maximum)), got };
    case 'invalid_union':
      return describeUnion(issue.errors, path, document, schema);
    default:
      return { path, expected: issue.message, got };
  }
}

/** Of several forms a value may have: the mistake inside the form that it nearly has, or else all the forms. */
function describeUnion(forms: readonly (readonly z.core.$ZodIssue[])[], path: Path, document: unknown, schema: z.ZodType): SpecIssue {
  const firsts = forms.flatMap(([first]) =>
    first === undefined ? [] : [describeIssue({ ...first, path: [...path, ...first.path] }, document, schema)],
  );
  const inside = firsts.find((form) => form.path.length > path.length);
  if (inside !== undefined) return inside;
  const expected = [...new Set(firsts.map((form) => form.expected))].join(', or ');
  return { path, expected, got: describeValue(valueAt(document, path)) };
}

function valueAt(document: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined),
    document,
  );
}

function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return value.length > 60 ? `${JSON.stringify(value.slice(0, 60))}...` : JSON.stringify(value);
  return kindOf(value);
}

function typeInWords(expected: string): string {
  const words: Record<string, string> = {
    int: 'a whole number',
    number: 'a number',
    string: 'a text',
    boolean: 'true or false',
    array: 'a list',
    tuple: 'a list of two',
    object: 'a section with keys',
    record: 'a section with keys',
  };
  return words[expected] ?? expected;
}

function listInWords(values: readonly string[]): string {
  return values.length === 1 ? String(values[0]) : `one of ${values.join(', ')}`;
}

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

function knownKeys(schema: z.ZodType, path: Path): string[] {
  let section: KeySchema | undefined = z.toJSONSchema(schema, { io: 'input' }) as KeySchema;
  for (const key of path) section = section?.properties?.[String(key)];
  return Object.keys(section?.properties ?? {});
}
