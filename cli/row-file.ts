import { BadInputError, NotFiniteError } from '../campaign/errors';
import type { TrainingRow } from '../campaign/language-model';
import { type JsonLine, kindOf, readJsonLines } from './input-file';

const TRAINING_FIELDS = '{"text": string} or {"prompt": string, "completion": string}';
const PROMPT_FIELDS = '{"prompt": string}';

/** What a JSONL file holds, one row a line. */
export interface RowFile<Row> {
  readonly rows: Row[];
  /** Of each row, from 1: blank lines are skipped. */
  readonly lines: readonly number[];
}

/** The rows of a JSONL file, each made of the fields of its line. @throws BadInputError naming file and line */
export function readRows<Row>(path: string, rowOf: (fields: JsonLine['fields'], where: string) => Row): RowFile<Row> {
  const objects = readJsonLines(path);
  return { rows: objects.map(({ fields, where }) => rowOf(fields, where)), lines: objects.map(({ line }) => line) };
}

interface TrainingRowOptions {
  /** Of rows that are no chats. @default false */
  readonly parseSpecial?: boolean;
  readonly chatRow?: (messages: unknown, where: string) => TrainingRow;
}

/**
 * Rows `{text}` or `{prompt, completion}` of a JSONL file.
 *
 * @param options.chatRow what a row `{messages}` becomes. @default such rows are refused
 * @throws BadInputError naming file and line
 */
export function readTrainingRows(path: string, { parseSpecial = false, chatRow }: TrainingRowOptions = {}): RowFile<TrainingRow> {
  const special = parseSpecial ? { parseSpecial } : {};
  return readRows(path, (fields, where) => {
    const names = Object.keys(fields).sort().join(',');
    if (names === 'text') return { text: textField(fields, 'text', where), ...special };
    if (names === 'completion,prompt') {
      return { prompt: textField(fields, 'prompt', where), completion: textField(fields, 'completion', where), ...special };
    }
    if (names === 'messages' && chatRow !== undefined) return chatRow(fields['messages'], where);
    throw wrongFields(where, TRAINING_FIELDS, fields);
  });
}

/** Rows `{prompt}` of a JSONL file. @throws BadInputError naming file and line */
export function readPrompts(path: string): RowFile<string> {
  return readRows(path, (fields, where) => {
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

/** How the engine names a row or prompt of a request; it counts from 1. */
const ROW_OF_REQUEST = /^(?:(?:job|group) \d+, )?(?:row|prompt) (\d+)(?=$|[:,])/;

/**
 * An engine's complaint about a row of a request, with the place that row came from instead. Anything else is given back as it is.
 *
 * @param placeOf names a row, counted from 1
 */
export function locateComplaint(error: unknown, placeOf: (row: string) => string): unknown {
  if (error instanceof BadInputError) {
    const row = ROW_OF_REQUEST.exec(error.detail.where)?.[1];
    return row === undefined ? error : new BadInputError({ ...error.detail, where: placeOf(row) }, { cause: error });
  }
  if (error instanceof NotFiniteError && ROW_OF_REQUEST.test(error.message)) {
    return new NotFiniteError(error.message.replace(ROW_OF_REQUEST, (_all, row: string) => placeOf(row)), { cause: error });
  }
  return error;
}

/** The same for rows of a JSONL file. @param lines of each row */
export function locateRow(error: unknown, path: string, lines: readonly number[]): unknown {
  return locateComplaint(error, (row) => `${path}:${lines[Number(row) - 1]}`);
}
