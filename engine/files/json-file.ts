import { readFileSync } from 'node:fs';
import { BadInputError } from '../../contracts/errors';

/** A JSON object whose fields are not yet trusted. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** Type guard: a JSON object, neither null nor a list. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** What an untrusted value looks like in an error message, cut to 80 characters. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value) ?? typeof value;
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}

/** Code of a file system error, such as `ENOENT`. */
function errorCode(error: unknown): string | undefined {
  const hasCode = typeof error === 'object' && error !== null && 'code' in error;
  return hasCode && typeof error.code === 'string' ? error.code : undefined;
}

/** What a file system error says, without its path (which `where` already names). */
export function describeFileError(error: unknown): string {
  const code = errorCode(error);
  return code === 'ENOENT' ? 'no such file' : (code ?? String(error));
}

/**
 * Decodes UTF-8 and parses a JSON object.
 *
 * @param where file, or file and part of it, for the message
 * @throws BadInputError if the bytes are not UTF-8, not JSON or not an object
 */
export function parseJsonObject(bytes: Uint8Array, where: string): JsonObject {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    const got = cause instanceof SyntaxError ? `malformed JSON (${cause.message.slice(0, 120)})` : 'bytes that are not UTF-8';
    throw new BadInputError({ where, expected: 'a JSON object in UTF-8', got }, { cause });
  }
  if (!isJsonObject(value)) throw new BadInputError({ where, expected: 'a JSON object', got: describeValue(value) });
  return value;
}

/**
 * Reads a JSON object from a file.
 *
 * @throws BadInputError if the file is missing, unreadable, not UTF-8, not JSON or not an object
 */
export function readJsonObject(file: string): JsonObject {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (cause) {
    throw new BadInputError({ where: file, expected: 'a readable JSON file', got: describeFileError(cause) }, { cause });
  }
  return parseJsonObject(bytes, file);
}
