import fs from 'node:fs/promises';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashBytes } from '../../storage/content-hash';
import { keptDirectory } from '../../storage/kept-directory';

let root: string;
let kept: string;
let made: number;
let damage: string[];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'seal-kept-'));
  kept = join(root, 'policies', 'one');
  made = 0;
  damage = [];
});
afterEach(() => {
  jest.restoreAllMocks();
  rmSync(root, { recursive: true });
});

/** As after a restart: nothing is remembered. */
function keep(): Promise<Readonly<Record<string, string>>> {
  return keptDirectory(
    kept,
    async (partial) => {
      made += 1;
      await fs.mkdir(partial);
      await fs.writeFile(join(partial, 'model.safetensors'), 'weights');
      await fs.writeFile(join(partial, 'config.json'), '{}');
    },
    (what) => damage.push(what),
  );
}

const files = { 'config.json': hashBytes(Buffer.from('{}')).sha256, 'model.safetensors': hashBytes(Buffer.from('weights')).sha256 };

it('is made once, and what it holds is compared with its hashes each time that it is asked for', async () => {
  expect([await keep(), await keep()]).toEqual([files, files]);
  expect(made).toBe(1);
  expect(damage).toEqual([]);
});

it.each<[string, () => void, string | RegExp]>([
  ['a changed byte', () => writeFileSync(join(kept, 'model.safetensors'), 'weightz'), /^model\.safetensors: expected sha256 [0-9a-f]{64}, got [0-9a-f]{64}$/],
  ['a file cut short', () => truncateSync(join(kept, 'model.safetensors'), 3), /^model\.safetensors: expected sha256/],
  ['a file that is gone', () => rmSync(join(kept, 'config.json')), 'expected config.json, model.safetensors, got model.safetensors'],
  ['a file too many', () => writeFileSync(join(kept, 'more'), ''), 'expected config.json, model.safetensors, got config.json, model.safetensors, more'],
  ['hashes that are gone', () => rmSync(join(kept, 'sha256.json')), 'sha256.json: expected the hashes of its files, got nothing'],
  ['hashes that are zeros', () => writeFileSync(join(kept, 'sha256.json'), Buffer.alloc(40)), 'sha256.json: expected the hashes of its files, got other bytes'],
])('with %s is told of, removed and made again', async (_, harm, told) => {
  await keep();
  harm();
  expect(await keep()).toEqual(files);
  expect(damage).toEqual([expect.stringMatching(told)]);
  expect(made).toBe(2);
  expect(readFileSync(join(kept, 'model.safetensors'), 'utf8')).toBe('weights');
  expect(readdirSync(join(root, 'policies'))).toEqual(['one']);
  await keep();
  expect(made).toBe(2);
});

it('is on the disk, file by file, before it has its name, and its name afterwards', async () => {
  const probe = await fs.open(root);
  const order: string[] = [];
  const prototype = Object.getPrototypeOf(probe) as fs.FileHandle;
  await probe.close();
  const [open, rename] = [fs.open, fs.rename];
  jest.spyOn(fs, 'open').mockImplementation(async (path, ...rest) => Object.assign(await open(path, ...rest), { named: String(path) }));
  jest.spyOn(fs, 'rename').mockImplementation((from, to) => {
    order.push(`rename ${String(to).slice(root.length)}`);
    return rename(from, to);
  });
  const sync = prototype.sync;
  jest.spyOn(prototype, 'sync').mockImplementation(function (this: fs.FileHandle & { named: string }) {
    order.push(`fsync ${this.named.slice(root.length).replace(/one\.[^/]*/, 'partial')}`);
    return sync.call(this);
  });
  await keep();
  expect(order.slice(0, 4).sort()).toEqual(['/config.json', '/model.safetensors', '/sha256.json', ''].map((name) => `fsync /policies/partial${name}`).sort());
  expect(order.slice(4)).toEqual(['rename /policies/one', 'fsync /policies']);
});

it('gives every one of many callers at once the same whole directory', async () => {
  expect(new Set((await Promise.all(Array.from({ length: 5 }, keep))).map((hashes) => JSON.stringify(hashes))).size).toBe(1);
  expect(readdirSync(join(root, 'policies'))).toEqual(['one']);
});

it('leaves nothing of what could not be made', async () => {
  const failing = keptDirectory(kept, (partial) => fs.mkdir(partial).then(() => Promise.reject(new Error('no room'))), () => undefined);
  await expect(failing).rejects.toThrow('no room');
  expect(existsSync(kept)).toBe(false);
  expect(readdirSync(join(root, 'policies'))).toEqual([]);
});
