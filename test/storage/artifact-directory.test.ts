import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { directoryKey, getDirectory, putDirectory } from '../../storage/artifact-directory';
import type { ArtifactStore } from '../../storage/artifact-store';
import { createMemoryStore } from '../../storage/memory-store';

let store: ArtifactStore;
let root: string;
let cache: string;
let adapter: string;

beforeEach(() => {
  store = createMemoryStore();
  root = mkdtempSync(join(tmpdir(), 'seal-directory-'));
  cache = join(root, 'cache');
  adapter = join(root, 'adapter');
  mkdirSync(adapter);
  writeFileSync(join(adapter, 'adapter_model.safetensors'), Buffer.from([1, 2, 3]));
  writeFileSync(join(adapter, 'adapter_config.json'), '{"r": 32}');
});
afterEach(() => rmSync(root, { recursive: true }));

it('stores each file with its media type and brings the directory back', async () => {
  const files = await putDirectory(store, adapter);
  expect(Object.entries(files).map(([name, { mediaType }]) => [name, mediaType])).toEqual([
    ['adapter_config.json', 'application/json'],
    ['adapter_model.safetensors', 'application/octet-stream'],
  ]);
  const directory = await getDirectory(store, files, cache);
  expect(directory).toBe(join(cache, directoryKey(files)));
  expect(readdirSync(directory).sort()).toEqual(['adapter_config.json', 'adapter_model.safetensors']);
  expect(readFileSync(join(directory, 'adapter_config.json'), 'utf8')).toBe('{"r": 32}');
});

it('takes only the files it is told to', async () => {
  expect(Object.keys(await putDirectory(store, adapter, ['adapter_config.json']))).toEqual(['adapter_config.json']);
});

it('names a directory by its content, not by the order of its files', async () => {
  const files = await putDirectory(store, adapter);
  const reversed = Object.fromEntries(Object.entries(files).reverse());
  expect(directoryKey(reversed)).toBe(directoryKey(files));
  writeFileSync(join(adapter, 'adapter_config.json'), '{"r": 16}');
  expect(directoryKey(await putDirectory(store, adapter))).not.toBe(directoryKey(files));
});

it('reads the store only once for the same content', async () => {
  const files = await putDirectory(store, adapter);
  await getDirectory(store, files, cache);
  const getFile = jest.spyOn(store, 'getFile');
  await getDirectory(store, files, cache);
  expect(getFile).not.toHaveBeenCalled();
});

it('gives every one of many callers at once the whole directory', async () => {
  const files = await putDirectory(store, adapter);
  const directories = await Promise.all(Array.from({ length: 10 }, () => getDirectory(store, files, cache)));
  expect(new Set(directories).size).toBe(1);
  expect(readdirSync(cache)).toEqual([directoryKey(files)]);
});

it.each([
  ['changed', (directory: string) => writeFileSync(join(directory, 'adapter_config.json'), '{"r": 99}')],
  ['incomplete', (directory: string) => rmSync(join(directory, 'adapter_config.json'))],
  ['polluted', (directory: string) => writeFileSync(join(directory, 'other'), '')],
])('replaces a copy that was %s', async (_what, damage) => {
  const files = await putDirectory(store, adapter);
  const directory = await getDirectory(store, files, cache);
  damage(directory);
  await getDirectory(store, files, cache);
  expect(readdirSync(directory).sort()).toEqual(Object.keys(files));
  expect(readFileSync(join(directory, 'adapter_config.json'), 'utf8')).toBe('{"r": 32}');
});

it('leaves nothing behind when an artifact is missing', async () => {
  const files = await putDirectory(store, adapter);
  const missing = { ...files, more: { sha256: 'f'.repeat(64), sizeBytes: 1, mediaType: 'text/plain' } };
  await expect(getDirectory(store, missing, cache)).rejects.toMatchObject({ name: 'ArtifactMissingError' });
  expect(readdirSync(cache)).toEqual([]);
});

it('refuses names that lead elsewhere', async () => {
  const files = await putDirectory(store, adapter);
  const [ref] = Object.values(files);
  for (const name of ['../evil', 'a/b', '..', '']) {
    const refused = getDirectory(store, ref === undefined ? {} : { [name]: ref }, cache);
    await expect(refused).rejects.toMatchObject({ name: 'BadInputError' });
  }
  expect(readdirSync(root)).toEqual(['adapter']);
});

it('refuses a directory within the directory', async () => {
  mkdirSync(join(adapter, 'nested'));
  await expect(putDirectory(store, adapter)).rejects.toThrow(`${adapter}: expected files only, got nested, which is no file`);
});
