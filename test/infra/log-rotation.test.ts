import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boundLogs, logFiles, rotateLog } from '../../infra/stack/log-rotation';

const BOUNDS = { maxBytes: 1_000, kept: 3 };

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'seal-logs-'));
  file = join(folder, 'worker.log');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** All that is kept, oldest first. */
function kept(): string {
  return logFiles(file).reverse().map((one) => readFileSync(one, 'utf8')).join('');
}

test('a log within bounds is left alone', () => {
  writeFileSync(file, 'x'.repeat(1_000));
  expect(rotateLog(file, BOUNDS)).toBe(false);
  expect(logFiles(file)).toEqual([file]);
});

test('a writer that holds the log open goes on in it, and no line is lost until the oldest file makes room', () => {
  const writer = openSync(file, 'a');
  const lines = Array.from({ length: 400 }, (_, i) => `${JSON.stringify({ line: i })}\n`);
  for (const line of lines) {
    writeSync(writer, line);
    rotateLog(file, BOUNDS);
  }
  closeSync(writer);
  const text = kept();
  expect(lines.join('').endsWith(text)).toBe(true);
  expect(logFiles(file)).toHaveLength(4);
  for (const one of logFiles(file)) expect(statSync(one).size).toBeLessThan(BOUNDS.maxBytes + 50);
});

test('what was put aside keeps to its owner', () => {
  writeFileSync(file, 'x'.repeat(2_000), { mode: 0o600 });
  rotateLog(file, BOUNDS);
  expect(statSync(`${file}.1`).mode & 0o777).toBe(0o600);
});

test('another process that writes meanwhile writes whole lines, each once and in order', async () => {
  const program = `const fs = require('node:fs'); const fd = fs.openSync(process.argv[1], 'a'); const pause = new Int32Array(new SharedArrayBuffer(4));
    for (let i = 0; i < 30000; i++) { if (i % 1000 === 0) Atomics.wait(pause, 0, 0, 20); fs.writeSync(fd, i + ' whole\\n'); }`;
  const child = spawn(process.execPath, ['-e', program, file], { stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const bounds = { maxBytes: 20_000, kept: 1_000 };
  while (child.exitCode === null) {
    if (existsSync(file)) rotateLog(file, bounds);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await ended;
  const numbers = kept().trim().split('\n').map((line) => Number(/^(\d+) whole$/.exec(line)?.[1]));
  expect(logFiles(file).length).toBeGreaterThan(2);
  expect(numbers.at(-1)).toBe(29_999);
  numbers.forEach((number, i) => expect(number).toBeGreaterThan(numbers[i - 1] ?? -1));
  // A writer at full speed loses what it writes between the last read and the emptying.
  expect(numbers.length).toBeGreaterThan(15_000);
});

test('all logs of a folder are kept within bounds, nothing else is touched', async () => {
  appendFileSync(file, 'x'.repeat(2_000));
  writeFileSync(join(folder, 'other.json'), 'x'.repeat(2_000));
  const end = boundLogs(folder, BOUNDS, 10);
  expect(statSync(file).size).toBe(0);
  appendFileSync(file, 'y'.repeat(2_000));
  await new Promise((resolve) => setTimeout(resolve, 100));
  end();
  expect(statSync(file).size).toBe(0);
  expect(readFileSync(`${file}.1`, 'utf8')).toBe('y'.repeat(2_000));
  expect(existsSync(join(folder, 'other.json.1'))).toBe(false);
});
