import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryCache } from '../../storage/directory-cache';
import { markedPath, sweepAbandoned } from '../../storage/partial-path';
import { eventually } from '../workflows/temporal-fixture';
import { entry, ENTRY_BYTES } from './cache-user';

jest.setTimeout(60_000);

/** With the hashes that lie in it. */
const TAKES = ENTRY_BYTES + 75;

let root: string;
let made: string[];
const children: ChildProcess[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'seal-cache-'));
  made = [];
});
afterEach(() => {
  children.splice(0).forEach((child) => child.kill('SIGKILL'));
  rmSync(root, { recursive: true });
});

async function use(cache: DirectoryCache, name: string, work: (directory: string) => Promise<void> | void = () => undefined, more: { readonly supersedes?: string } = {}): Promise<void> {
  await using lease = await cache.lease(name, { ...entry(name, () => made.push(name)), ...more });
  await work(lease.directory);
}

/** Used so many hours ago. */
function age(name: string, hours: number): void {
  const when = new Date(Date.now() - hours * 3600 * 1000);
  utimesSync(join(root, name), when, when);
}

const there = (): string[] => ['adapters', 'policies'].flatMap((folder) => (existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map((name) => `${folder}/${name}`) : []));

/** Another process; see cache-user.ts. */
async function other(...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, [join(__dirname, 'cache-user.js'), ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  if (args[0] !== 'read') await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

test('before an entry is made those leave that were used longest ago, adapters and policies alike, until it fits', async () => {
  const cache = new DirectoryCache(root, 3 * TAKES);
  for (const name of ['adapters/a', 'policies/b', 'adapters/c']) await use(cache, name);
  age('adapters/a', 3);
  age('policies/b', 2);
  age('adapters/c', 1);
  // Used again, so no longer the oldest.
  await use(cache, 'adapters/a');
  let seen: string[] = [];
  await use(cache, 'policies/d', () => void (seen = there().filter((name) => !name.includes('.'))));
  expect(seen).toEqual(['adapters/a', 'adapters/c', 'policies/d']);
  expect(made).toEqual(['adapters/a', 'policies/b', 'adapters/c', 'policies/d']);
});

test('a superseded policy leaves before what was used longer ago, unless it is used again', async () => {
  const cache = new DirectoryCache(root, 2 * TAKES);
  for (const name of ['policies/a', 'policies/b']) await use(cache, name);
  age('policies/a', 5);
  await use(cache, 'policies/c', undefined, { supersedes: 'policies/b' });
  expect(there()).toEqual(['policies/a', 'policies/c']);
  const roomy = new DirectoryCache(root, 3 * TAKES);
  await use(roomy, 'policies/d', undefined, { supersedes: 'policies/c' });
  await use(cache, 'policies/c');
  age('policies/d', 1);
  await use(cache, 'policies/e');
  expect(there()).toEqual(['policies/c', 'policies/e']);
});

test('what is read is never evicted, however small the bound, and can be once it is read no more', async () => {
  const cache = new DirectoryCache(root, 1);
  await use(cache, 'policies/a', async (directory) => {
    await use(cache, 'policies/b', () => expect(readFileSync(join(directory, 'file'), 'utf8')).toContain('policies/a'));
    expect(await cache.evict('policies/a')).toBe(false);
    expect(await cache.evictUnread()).toMatchObject({ entries: 1 });
  });
  expect(there()).toEqual(['policies/a']);
  expect(await cache.evictUnread(true)).toEqual({ entries: 1, bytes: expect.any(Number) });
  expect(there()).toEqual(['policies/a']);
  await cache.evictUnread();
  expect(there()).toEqual([]);
});

test('what another process reads is not evicted while that process lives', async () => {
  const holder = await other('hold', root, 'policies/a');
  const cache = new DirectoryCache(root, 1);
  await use(cache, 'policies/b');
  expect(await cache.evict('policies/a')).toBe(false);
  await kill(holder);
  await use(cache, 'policies/c');
  expect(existsSync(join(root, 'policies', 'a'))).toBe(false);
});

test('who wants an entry that is being evicted waits, and makes it again', async () => {
  const cache = new DirectoryCache(root);
  await use(cache, 'policies/a');
  const eviction = markedPath(join(root, 'policies', 'a'), 'eviction');
  writeFileSync(eviction, '');
  let isOpen = false;
  const using = use(cache, 'policies/a', () => void (isOpen = true));
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(isOpen).toBe(false);
  rmSync(join(root, 'policies', 'a'), { recursive: true });
  rmSync(eviction);
  await using;
  expect(made).toEqual(['policies/a', 'policies/a']);
});

test('nobody waits for a process that died while it evicted', async () => {
  const cache = new DirectoryCache(root);
  await use(cache, 'policies/a');
  const left = markedPath(join(root, 'policies', 'a'), 'eviction');
  // Of a machine of which nothing is known, and of a process whose id another has now.
  for (const path of [left.replace(`@${hostname()}.`, '@elsewhere.'), left]) {
    writeFileSync(path, '');
    utimesSync(path, new Date(0), new Date(0));
  }
  await use(cache, 'policies/a');
  expect(made).toEqual(['policies/a']);
});

test('what a process was making when it was killed is no entry: it is made by the next, counts for nothing and is swept', async () => {
  await kill(await other('make', root, 'policies/a'));
  // Which of them comes first is up to the random ids in their names.
  const left = there().map((name) => name.replace(/^policies\/a\..*\./, 'policies/a.*.'));
  expect(left.sort()).toEqual(['policies/a.*.lease', 'policies/a.*.partial']);
  const cache = new DirectoryCache(root);
  await use(cache, 'policies/a');
  expect(made).toEqual(['policies/a']);
  await sweepAbandoned(join(root, 'policies'));
  expect(there()).toEqual(['policies/a']);
});

test('a directory is taken over as an entry, and the room for it is made before', async () => {
  const cache = new DirectoryCache(root, 2 * TAKES);
  for (const name of ['policies/a', 'policies/b']) await use(cache, name);
  age('policies/a', 1);
  for (const scratch of ['one', 'two']) {
    mkdirSync(join(root, scratch));
    writeFileSync(join(root, scratch, 'file'), 'adapter');
    await cache.adopt('adapters/c', join(root, scratch));
    expect(existsSync(join(root, scratch))).toBe(false);
  }
  expect(there()).toEqual(['adapters/c', 'policies/b']);
});

test('processes that share a cache with room for one entry never lose what they read', async () => {
  const names = ['policies/a', 'policies/b', 'adapters/c'].join(',');
  const readers = await Promise.all(Array.from({ length: 3 }, () => other('read', root, names, '40', String(TAKES))));
  const said = await Promise.all(
    readers.map(async (reader) => {
      let text = '';
      reader.stdout!.on('data', (data: Buffer) => (text += data.toString()));
      await once(reader, 'close');
      return text;
    }),
  );
  expect(said).toEqual(['0\n', '0\n', '0\n']);
  await eventually('no mark to be left', () => there().every((name) => !name.includes('.')));
});
