import { existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadInputError } from '../../campaign/errors';
import { requireUnbuilt } from '../../infra/stack/package-root';
import { startStack, stopStack } from '../../infra/stack/stack';
import { refuseUnwritable } from '../../infra/stack/writable-directory';

const { makeDirectory } = requireUnbuilt('infra/bootstrap/make-directory.cjs') as { makeDirectory: (path: string) => void };

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-writable-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

/** Only Linux has it: a directory where nothing can be made, whoever one is. */
const onLinux = existsSync('/proc/self') ? it : it.skip;

describe('refuseUnwritable', () => {
  it('takes a directory that is there or can be made, and leaves nothing behind', () => {
    refuseUnwritable('--out', directory);
    refuseUnwritable('--out', join(directory, 'a', 'b'));
    expect(readdirSync(directory)).toEqual([]);
  });

  it('refuses a file, and what would be below one', () => {
    writeFileSync(join(directory, 'file'), '');
    expect(() => refuseUnwritable('--out x', join(directory, 'file'))).toThrow('--out x: expected a directory, got a file');
    expect(() => refuseUnwritable('--out x', join(directory, 'file', 'below'))).toThrow(`--out x: expected a path below a directory, got the file ${join(directory, 'file')}`);
  });

  onLinux('refuses /proc, where making a directory would never return', () => {
    expect(() => refuseUnwritable('--out x', '/proc/seal/out')).toThrow('--out x: expected a place that can be written, got a file system that makes no directories');
  });
});

describe('makeDirectory', () => {
  it('makes what is missing, and takes what is there', () => {
    makeDirectory(join(directory, 'a', 'b', 'c'));
    makeDirectory(join(directory, 'a', 'b', 'c'));
    expect(existsSync(join(directory, 'a', 'b', 'c'))).toBe(true);
    symlinkSync('nowhere', join(directory, 'link'));
    expect(() => makeDirectory(join(directory, 'link', 'below'))).toThrow(/ENOENT/);
  });

  onLinux('says so where none can be made', () => {
    expect(() => makeDirectory('/proc/seal/cache')).toThrow(/ENOENT.*\/proc\/seal/);
  });
});

describe('a SEAL_HOME that cannot be', () => {
  onLinux('is refused by up, in one line', async () => {
    await expect(startStack({ home: '/proc/seal' })).rejects.toThrow(BadInputError);
    await expect(startStack({ home: '/proc/seal' })).rejects.toThrow('SEAL_HOME /proc/seal: expected a place that can be written, got a file system that makes no directories');
  });

  onLinux('holds nothing that down could stop', async () => {
    expect(await stopStack({ home: '/proc/seal' })).toEqual([]);
  });
});
