import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startTimeOf } from '../../infra/stack/own-process';
import { packageRoot } from '../../infra/stack/package-root';
import { withLock } from '../../infra/stack/process-lock';

let root: string;
let lock: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'seal-lock-'));
  lock = join(root, 'deep', 'lock');
});
afterEach(() => rmSync(root, { recursive: true }));

it('lets one process at a time do the work', async () => {
  const journal = join(root, 'journal');
  const script = `const { appendFileSync } = require('node:fs');
    const { withLock } = require(${JSON.stringify(join(packageRoot(), 'infra/bootstrap/process-lock.cjs'))});
    withLock(${JSON.stringify(lock)}, async () => {
      appendFileSync(${JSON.stringify(journal)}, 'in ');
      await new Promise((resolve) => setTimeout(resolve, 50));
      appendFileSync(${JSON.stringify(journal)}, 'out ');
    });`;
  await Promise.all([1, 2, 3, 4].map(() => promisify(execFile)(process.execPath, ['-e', script])));
  expect(readFileSync(journal, 'utf8')).toBe('in out '.repeat(4));
  expect(existsSync(lock)).toBe(false);
});

it('is released when the work fails', async () => {
  await expect(withLock(lock, () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await withLock(lock, () => Promise.resolve('done'))).toBe('done');
});

it('tells once that it waits, and for whom alive it does', async () => {
  const told = jest.fn();
  let release = (): void => undefined;
  const first = withLock(lock, () => new Promise<void>((resolve) => (release = resolve)));
  const second = withLock(lock, () => Promise.resolve('second'), told);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(told).toHaveBeenCalledTimes(1);
  release();
  await first;
  expect(await second).toBe('second');
});

it('is taken over from a process that is gone, even if its id is used again', async () => {
  await withLock(lock, () => Promise.resolve());
  writeFileSync(lock, JSON.stringify({ pid: process.pid, startTime: `not ${startTimeOf(process.pid)}` }));
  expect(await withLock(lock, () => Promise.resolve('taken over'))).toBe('taken over');
});

it.each(['', '{', 'null', '{"pid":1}'])('is taken over where a machine that lost its power left %j of it', async (text) => {
  await withLock(lock, () => Promise.resolve());
  writeFileSync(lock, text);
  expect(await withLock(lock, () => Promise.resolve('taken over'))).toBe('taken over');
});
