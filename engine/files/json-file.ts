import { BadInputError } from '../../campaign/errors';
import { readBoundedFile } from './bounded-file';
import { findJsonDefect } from './json-defect';

/** A JSON object whose fields are not yet trusted. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Type guard: a JSON object, neither null nor a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What an untrusted value looks like in an error message, cut to 80 characters. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value, showFirst(80)) ?? typeof value;
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** What lies behind the first `most` values is not written out, however much there is of it. */
function showFirst(most: number): (key: string, value: unknown) => unknown {
  let shown = 0;
  return (_key, value) => {
    shown += 1;
    if (shown > most) return undefined;
    if (typeof value === 'string') return value.slice(0, most);
    return Array.isArray(value) ? value.slice(0, most) : value;
  };
}

/**
 * Decodes UTF-8 and parses a JSON object.
 *
 * @param where file, or file and part of it, for the message
 * @throws BadInputError if the bytes are not UTF-8, not JSON or not an object, or hold what {@link findJsonDefect} finds
 */
export function parseJsonObject(bytes: Uint8Array, where: string): JsonObject {
  let value: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const defect = findJsonDefect(text);
    if (defect !== undefined) throw new BadInputError({ where, expected: defect.expected, got: defect.got });
    value = JSON.parse(text);
  } catch (cause) {
    if (cause instanceof BadInputError) throw cause;
    const got = cause instanceof SyntaxError ? `malformed JSON (${cause.message.slice(0, 120)})` : 'bytes that are not UTF-8';
    throw new BadInputError({ where, expected: 'a JSON object in UTF-8', got }, { cause });
  }
  if (!isJsonObject(value)) throw new BadInputError({ where, expected: 'a JSON object', got: describeValue(value) });
  return value;
}

/** Of a tokenizer with its merges, the largest JSON file that a model has, with room to spare. */
const MAX_JSON_BYTES = 1 << 28;

/**
 * Reads a JSON object from a file of at most 256 MiB.
 *
 * @throws BadInputError if the file is missing, unreadable, too large, not UTF-8, not JSON or not an object
 */
export function readJsonObject(file: string): JsonObject {
  return parseJsonObject(readBoundedFile(file, MAX_JSON_BYTES, 'regular', 'a readable JSON file'), file);
}
