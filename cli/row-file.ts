import { BadInputError } from '../contracts/errors';
import type { TrainingRow } from '../contracts/language-model';
import { kindOf, parseJsonLine, readInputLines } from './input-file';

const TRAINING_FIELDS = '{"text": string} or {"prompt": string, "completion": string}';
const PROMPT_FIELDS = '{"prompt": string}';

/** Rows `{text}` or `{prompt, completion}` of a JSONL file; row i stands on line i + 1. @throws BadInputError naming file and line */
export function readTrainingRows(path: string): TrainingRow[] {
  return readInputLines(path).map((line, index) => {
    const where = `${path}:${index + 1}`;
    const fields = parseJsonLine(line, where);
    const names = Object.keys(fields).sort().join(',');
    if (names === 'text') return { text: textField(fields, 'text', where) };
    if (names === 'completion,prompt') {
      return { prompt: textField(fields, 'prompt', where), completion: textField(fields, 'completion', where) };
    }
    throw wrongFields(where, TRAINING_FIELDS, fields);
  });
}

/** Rows `{prompt}` of a JSONL file. @throws BadInputError naming file and line */
export function readPrompts(path: string): string[] {
  return readInputLines(path).map((line, index) => {
    const where = `${path}:${index + 1}`;
    const fields = parseJsonLine(line, where);
    if (Object.keys(fields).join(',') !== 'prompt') throw wrongFields(where, PROMPT_FIELDS, fields);
    return textField(fields, 'prompt', where);
  });
}

function wrongFields(where: string, expected: string, fields: Record<string, unknown>): BadInputError {
  const names = Object.keys(fields).sort();
  return new BadInputError({
    where,
    expected,
    got: names.length === 0 ? 'no fields' : `the fields ${names.map((name) => JSON.stringify(name)).join(', ')}`,
  });
}

/** Half a surrogate pair has no UTF-8, so no tokens. */
const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;

/** A text of a row. @throws BadInputError naming the field */
export function textField(fields: Record<string, unknown>, name: string, where: string): string {
  const value = fields[name];
  if (typeof value !== 'string') {
    throw new BadInputError({ where: `${where}: ${name}`, expected: 'a string', got: kindOf(value) });
  }
  if (LONE_SURROGATE.test(value)) {
    throw new BadInputError({ where: `${where}: ${name}`, expected: 'Unicode text', got: 'half a surrogate pair' });
  }
  return value;
}

/**
 * An engine's complaint about a row of a request (it counts from 1), with the file and line that row came from.
 * Anything else is given back as it is.
 */
export function locateRow(error: unknown, path: string): unknown {
  if (!(error instanceof BadInputError)) return error;
  const row = /\brow (\d+)/.exec(error.detail.where)?.[1];
  if (row === undefined) return error;
  return new BadInputError({ ...error.detail, where: `${path}:${row}` }, { cause: error });
}
