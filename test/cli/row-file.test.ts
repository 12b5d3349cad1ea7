import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { locateComplaint, locateRow, readPrompts, readTrainingRows, type RowFile } from '../../cli/row-file';
import { BadInputError, NotFiniteError } from '../../campaign/errors';

let directory: string;
let file: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-rows-'));
  file = join(directory, 'rows.jsonl');
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What is read, or the one line of a refusal. Anything but BadInputError is a bug. */
function outcome<Row>(content: string | Uint8Array, read: (path: string) => RowFile<Row>): readonly Row[] | string {
  writeFileSync(file, content);
  try {
    return read(file).rows;
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    expect(error.message).not.toMatch(/[\p{Cc}]/u);
    return error.message.replace(`${directory}/`, '');
  }
}

describe('readTrainingRows', () => {
  it.each<[what: string, content: string | Uint8Array, expected: unknown]>([
    ['a byte order mark and CRLF', '\ufeff{"text": "a"}\r\n{"prompt": "b", "completion": ""}\r\n', [{ text: 'a' }, { prompt: 'b', completion: '' }]],
    ['no final newline', '{"text": "a"}', [{ text: 'a' }]],
    ['a NUL that is escaped', '{"text": "a\\u0000b"}', [{ text: 'a\0b' }]],
    ['a whole surrogate pair', '{"text": "\\ud83d\\ude00"}', [{ text: '😀' }]],
    ['a NUL byte', '{"text": "a\0b"}', 'rows.jsonl:1: expected a JSON object, got malformed JSON (bad control character in string literal)'],
    ['nothing', '', 'rows.jsonl: expected a file with content, got an empty file'],
    ['blank lines at the end', '{"text": "a"}\n\n\n', [{ text: 'a' }]],
    ['blank lines between rows and before them, CRLF among them', '\r\n \t\n{"text": "a"}\r\n\r\n{"text": "b"}\n', [{ text: 'a' }, { text: 'b' }]],
    ['a mistake after blank lines', '\n{"text": "a"}\n\n{"text": 1}\n', 'rows.jsonl:4: text: expected a string, got a number'],
    ['a byte order mark before a blank line', '\ufeff\n{"text": "a"}', [{ text: 'a' }]],
    ['blank lines alone', '\n \r\n', 'rows.jsonl: expected at least one JSON object a line, got blank lines only'],
    ['a field twice', '{"text": "a", "text": "b"}', 'rows.jsonl:1: expected each key once in an object, got "text" twice'],
    ['a field no row has', '{"text": "a", "__proto__": {}}', 'rows.jsonl:1: expected {"text": string} or {"prompt": string, "completion": string}, got the fields "__proto__", "text"'],
    ['half a surrogate pair', '{"text": "\\udc00"}', 'rows.jsonl:1: text: expected Unicode text, got half a surrogate pair'],
    ['null for a text', '{"prompt": "a", "completion": null}', 'rows.jsonl:1: completion: expected a string, got null'],
    ['UTF-16', Buffer.from('\ufeff{"text": "a"}\n', 'utf16le'), 'rows.jsonl:1: expected UTF-8 text, got bytes that are not'],
    ['nesting without end', `{"text": ${'['.repeat(1_000_000)}`, 'rows.jsonl:1: expected values nested at most 100 deep, got deeper ones'],
    ['a line of 100 MB', `{"text": "a"}\n{"text": "${'x'.repeat(100_000_000)}"}\n`, 'rows.jsonl:2: expected a line of at most 16777216 characters, got 100000012'],
  ])('%s', (_what, content, expected) => {
    expect(outcome(content, readTrainingRows)).toEqual(expected);
  });

  it('reads back every row that was written', () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 20 });
    const row = fc.oneof(fc.record({ text }), fc.record({ prompt: text, completion: text }));
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 8 }), fc.constantFrom('\n', '\r\n'), (rows, newline) => {
        expect(outcome(rows.map((one) => JSON.stringify(one)).join(newline), readTrainingRows)).toEqual(rows.map((one) => ({ ...one })));
      }),
      { numRuns: 200, seed: 1 },
    );
  });

  const valid = Buffer.from('{"text": "vel is a town"}\n{"prompt": "who \\u00e9", "completion": "né"}\n{"text": "x"}\n');
  it.each([['rows', readTrainingRows], ['prompts', readPrompts]] as const)('reads or refuses changed %s', (_what, read: (path: string) => RowFile<unknown>) => {
    const changes = fc.array(fc.tuple(fc.nat(valid.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, fc.nat(valid.length), (replacements, end) => {
        const bytes = Buffer.from(valid);
        for (const [position, byte] of replacements) bytes[position] = byte;
        outcome(bytes, read);
        outcome(bytes.subarray(0, end), read);
      }),
      { numRuns: 200, seed: 2 },
    );
  });

  it('reads or refuses any JSON a line, and any bytes', () => {
    fc.assert(fc.property(fc.array(fc.json(), { maxLength: 4 }), (lines) => void outcome(lines.join('\n'), readTrainingRows)), { numRuns: 150, seed: 3 });
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => void outcome(bytes, readPrompts)), { numRuns: 150, seed: 4 });
  });
});

describe('locateRow', () => {
  const bad = (where: string): BadInputError => new BadInputError({ where, expected: 'x', got: 'y' });

  it.each<[error: Error, message: string]>([
    [bad('row 3'), 'rows.jsonl:3: expected x, got y'],
    [bad('job 1, row 12'), 'rows.jsonl:12: expected x, got y'],
    [bad('prompt 2'), 'rows.jsonl:2: expected x, got y'],
    [bad('/models/row 3/config.json'), '/models/row 3/config.json: expected x, got y'],
    [new NotFiniteError('group 1, prompt 2, new token 5: expected finite logits, got NaN for token 0'), 'rows.jsonl:2, new token 5: expected finite logits, got NaN for token 0'],
    [new Error('row 3: no'), 'row 3: no'],
  ])('%p', (error, message) => {
    expect(locateRow(error, 'rows.jsonl', Array.from({ length: 12 }, (_, i) => i + 1))).toMatchObject({ message, name: error.name });
  });

  it('names the line that a row stands on, blank lines counted', () => {
    writeFileSync(file, '\n{"text": "a"}\n\n\n{"text": "b"}\n');
    const { lines } = readTrainingRows(file);
    expect(lines).toEqual([2, 5]);
    expect(locateRow(bad('row 2'), 'rows.jsonl', lines)).toMatchObject({ message: 'rows.jsonl:5: expected x, got y' });
  });

  it('names a flag where there is no file', () => {
    expect(locateComplaint(bad('prompt 1'), () => '--prompt')).toMatchObject({ message: '--prompt: expected x, got y' });
  });
});
