import { CST, LineCounter, Parser, parseDocument, isNode, type Document } from 'yaml';
import type { z } from 'zod';
import { fieldPath, parseBySchema, type Place } from '../campaign/bad-field';
import { BadInputError } from '../campaign/errors';
import { readInputText } from './input-file';

/** A YAML file as its schema gives it, which still knows on which line each field stands. */
export interface YamlFile<Value = unknown> {
  readonly value: Value;
  /** `file:line: field.path`, of the field or, where it is missing, of the section it belongs in. */
  readonly where: Place;
}

/** What a person writes stays far below these; what is made to exhaust a parser does not. */
const MAX_BYTES = 1 << 20;
const MAX_DEPTH = 40;
const MAX_NODES = 20_000;
/** How often anchored values may be repeated, those inside of repeated ones counted as often as they appear. */
const MAX_ALIASES = 100;

/**
 * Reads, parses and checks a file, once for all who need something of it.
 *
 * @returns the document with its defaults filled in
 * @throws BadInputError with the line of a mistake in the YAML itself, or the line and path of the first wrong field
 */
export function readYamlFile<Schema extends z.ZodType>(file: string, schema: Schema): YamlFile<z.output<Schema>> {
  const text = readInputText(file, MAX_BYTES);
  refuseBomb(file, text);
  const lineCounter = new LineCounter();
  const document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error' });
  const mistake = document.errors[0];
  if (mistake !== undefined) {
    const { line } = lineCounter.linePos(mistake.pos[0]);
    throw new BadInputError({ where: `${file}:${line}`, expected: 'YAML', got: mistake.message.replace(/\s+/g, ' ') });
  }
  const where: Place = (path) => {
    const line = lineOf(document, lineCounter, path);
    const field = fieldPath(path);
    return `${file}${line === undefined ? '' : `:${line}`}${field === '' ? '' : `: ${field}`}`;
  };
  return { value: parseBySchema(schema, plainValue(file, document), where), where };
}

/** Nesting and size, measured before the recursive part of the parser meets them. */
function refuseBomb(path: string, text: string): void {
  const waiting: { readonly token: CST.Token; readonly depth: number }[] = [...new Parser().parse(text)].map((token) => ({ token, depth: 0 }));
  let nodes = 0;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    nodes += 1;
    const { token, depth } = next;
    if (depth > MAX_DEPTH) {
      const line = text.slice(0, token.offset).split('\n').length;
      throw new BadInputError({ where: `${path}:${line}`, expected: `sections nested at most ${MAX_DEPTH} deep`, got: 'deeper ones' });
    }
    if (nodes > MAX_NODES) throw new BadInputError({ where: path, expected: `at most ${MAX_NODES} values`, got: 'more' });
    for (const inner of childrenOf(token)) waiting.push({ token: inner, depth: depth + 1 });
  }
}

function childrenOf(token: CST.Token): CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value];
  if (!CST.isCollection(token)) return [];
  return token.items.flatMap(({ key, value }) => [key, value].filter((child) => child !== undefined && child !== null));
}

/** The document as plain values. @throws BadInputError for an alias that multiplies, leads nowhere, or stands inside of what it names */
function plainValue(path: string, document: Document): unknown {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    // The library has no class of its own for what it cannot resolve.
    const got = cause instanceof Error ? cause.message.replace(/\s+/g, ' ') : String(cause);
    throw new BadInputError({ where: path, expected: `anchors, and at most ${MAX_ALIASES} aliases of them`, got }, { cause });
  }
  if (containsItself(value, new Set(), new Set())) {
    throw new BadInputError({ where: path, expected: 'aliases of values that stand elsewhere', got: 'a value that contains itself' });
  }
  return value;
}

function containsItself(value: unknown, outer: Set<object>, known: Set<object>): boolean {
  if (typeof value !== 'object' || value === null || known.has(value)) return false;
  if (outer.has(value)) return true;
  outer.add(value);
  const found = Object.values(value).some((inner) => containsItself(inner, outer, known));
  outer.delete(value);
  known.add(value);
  return found;
}

function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number | undefined {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    const offset = isNode(node) ? node.range?.[0] : undefined;
    if (offset !== undefined) return lines.linePos(offset).line;
  }
  return undefined;
}
