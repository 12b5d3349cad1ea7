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

/** True if `error` is a file system error with this code, such as `ENOENT`. */
export function hasErrorCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** What a file system error says, without its path (which `where` already names). */
export function describeFileError(error: unknown): string {
  if (hasErrorCode(error, 'ENOENT')) return 'no such file';
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code;
  return String(error);
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
