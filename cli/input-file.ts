import { BadInputError } from '../campaign/errors';
import { readBoundedFile } from '../engine/files/bounded-file';
import { findJsonDefect } from '../engine/files/json-defect';

const NEWLINE = 0x0a;
/** Of passages or training rows: far more than a campaign holds in memory. */
const MAX_FILE_BYTES = 1 << 28;
/** More text than the context of any model. */
const MAX_ROW_CHARACTERS = 1 << 24;

/**
 * Bytes of a file (or pipe) that the user named.
 *
 * @param maxBytes @default 256 MiB
 * @throws BadInputError where it cannot be read, is larger or is empty
 */
export function readInputBytes(path: string, maxBytes = MAX_FILE_BYTES): Buffer {
  const bytes = readBoundedFile(path, maxBytes, 'any');
  if (bytes.length === 0) throw new BadInputError({ where: path, expected: 'a file with content', got: 'an empty file' });
  return bytes;
}

/**
 * A UTF-8 file as lines, without their ends; a final newline starts no further line.
 *
 * @param maxBytes @default 256 MiB
 * @throws BadInputError naming the line that is not UTF-8
 */
export function readInputLines(path: string, maxBytes?: number): string[] {
  const bytes = readInputBytes(path, maxBytes);
  const lines: string[] = [];
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, start);
    const end = newline === -1 ? bytes.length : newline;
    lines.push(decodeInput(bytes.subarray(start, end), `${path}:${lines.length + 1}`).replace(/\r$/, ''));
    start = end + 1;
  }
  return lines;
}

/** Bytes as UTF-8 text. @throws BadInputError where they are not */
export function decodeInput(bytes: Buffer, where: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new BadInputError({ where, expected: 'UTF-8 text', got: 'bytes that are not' }, { cause });
  }
}

/** A UTF-8 file as one text. @throws BadInputError */
export function readInputText(path: string, maxBytes?: number): string {
  return readInputLines(path, maxBytes).join('\n');
}

/** A JSON file. @throws BadInputError with the line of the mistake, of a key that an object has twice, or of nesting without reason */
export function readInputJson(path: string): unknown {
  return parseInput(readInputLines(path), path);
}

/** What a JSON file holds, or a list of what the lines of a JSONL file hold. */
export interface JsonDocument {
  readonly json: unknown;
  /** Of each entry of the list, from 1; undefined for a file that is one JSON document. */
  readonly lines?: readonly number[];
}

/** A JSON file, or a JSONL file: that is one whose first line is an object and not all of it. @throws BadInputError as the readers of either do */
export function readJsonOrLines(path: string): JsonDocument {
  const lines = readInputLines(path);
  const [first = '', second] = lines.filter((line) => !isBlank(line));
  if (second === undefined || !isWholeObject(first)) return { json: parseInput(lines, path) };
  const objects = parseJsonLines(lines, path);
  return { json: objects.map(({ fields }) => fields), lines: objects.map(({ line }) => line) };
}

function isWholeObject(line: string): boolean {
  try {
    return kindOf(JSON.parse(line)) === 'an object';
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return false;
  }
}

function parseInput(lines: readonly string[], path: string): unknown {
  const text = lines.join('\n');
  const defect = findJsonDefect(text);
  if (defect !== undefined) {
    const line = text.slice(0, defect.offset).split('\n').length;
    throw new BadInputError({ where: `${path}:${line}`, expected: defect.expected, got: defect.got });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    const where = `${path}:${lineOfMistake(lines)}`;
    throw new BadInputError({ where, expected: 'JSON', got: complaint(cause) }, { cause });
  }
}

/** An object of a JSONL file. */
export interface JsonLine {
  readonly fields: Record<string, unknown>;
  /** From 1. */
  readonly line: number;
  /** `file:line`. */
  readonly where: string;
}

/** The objects of a JSONL file, one a line; blank lines are skipped, and counted. @throws BadInputError naming the line */
export function readJsonLines(path: string): JsonLine[] {
  return parseJsonLines(readInputLines(path), path);
}

function parseJsonLines(lines: readonly string[], path: string): JsonLine[] {
  const objects = lines.flatMap((text, index): JsonLine[] => {
    const where = `${path}:${index + 1}`;
    return isBlank(text) ? [] : [{ fields: parseJsonLine(text, where), line: index + 1, where }];
  });
  if (objects.length === 0) throw new BadInputError({ where: path, expected: 'at least one JSON object a line', got: 'blank lines only' });
  return objects;
}

function isBlank(line: string): boolean {
  return line.trim() === '';
}

function parseJsonLine(line: string, where: string): Record<string, unknown> {
  if (line.length > MAX_ROW_CHARACTERS) throw new BadInputError({ where, expected: `a line of at most ${MAX_ROW_CHARACTERS} characters`, got: String(line.length) });
  const defect = findJsonDefect(line);
  if (defect !== undefined) throw new BadInputError({ where, expected: defect.expected, got: defect.got });
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new BadInputError({ where, expected: 'a JSON object', got: `malformed JSON (${complaint(cause)})` }, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BadInputError({ where, expected: 'a JSON object', got: kindOf(value) });
  }
  return value as Record<string, unknown>;
}

/** The number of the first line that no continuation can make JSON (the parser itself does not always say where it stopped). */
function lineOfMistake(lines: readonly string[]): number {
  let viable = 0;
  let broken = lines.length;
  while (broken - viable > 1) {
    const middle = (viable + broken) >> 1;
    if (couldContinue(lines.slice(0, middle).join('\n'))) viable = middle;
    else broken = middle;
  }
  return broken;
}

function couldContinue(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const said = (error as SyntaxError).message;
    const position = /at position (\d+)/.exec(said)?.[1];
    return said.startsWith('Unexpected end') || (position !== undefined && Number(position) >= text.length);
  }
}

/** The parser's complaint without its position and without its quotation of the file. */
function complaint(cause: unknown): string {
  const said = (cause as SyntaxError).message;
  const short = said.replace(/ in JSON at position.*$/s, '').replace(/, (\.\.\.)?".*is not valid JSON$/s, '');
  return short.charAt(0).toLowerCase() + short.slice(1);
}

/** The kind of a JSON value, in words. */
export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}
