import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ArtifactRef, Manifest } from '../../campaign/artifacts';
import { type ArtifactStore, artifactKey } from '../../storage/artifact-store';
import { checkConditionalWrites } from '../../storage/conditional-writes';
import { ContentAddressedStore } from '../../storage/content-addressed-store';
import { hashBytes } from '../../storage/content-hash';
import type { ObjectClient } from '../../storage/object-client';

const HELLO_SHA256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824';
const absent: ArtifactRef = { sha256: '0'.repeat(64), sizeBytes: 1, mediaType: 'text/plain' };

export const manifestOf = (kind: string, files: Manifest['files'] = {}): Manifest => ({
  kind,
  files,
  lineage: { inputs: {}, codeVersion: 'test', settings: { b: 1, a: [2, { d: 1, c: 'ü' }] } },
});

/** What every artifact store must do, whatever holds its objects. */
export function itKeepsArtifacts(objectsOf: () => ObjectClient): void {
  let store: ArtifactStore;
  let directory: string;
  const text = (content: string): Uint8Array => Buffer.from(content);
  const overwrite = (key: string, content: Uint8Array): Promise<unknown> =>
    objectsOf().write(key, content, { ...hashBytes(content), mediaType: 'text/plain', ifAbsent: false });

  beforeEach(() => {
    store = new ContentAddressedStore(objectsOf());
    directory = mkdtempSync(join(tmpdir(), 'seal-store-'));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  it('stores bytes under the hash of their content', async () => {
    const ref = await store.put(text('hello'), 'text/plain');
    expect(ref).toEqual({ sha256: HELLO_SHA256, sizeBytes: 5, mediaType: 'text/plain' });
    expect(Buffer.from(await store.get(ref)).toString()).toBe('hello');
    expect(await store.list('sha256/2cf')).toEqual([`sha256/${HELLO_SHA256}`]);
  });

  it('stores nothing at all as well', async () => {
    const ref = await store.put(new Uint8Array(), 'text/plain');
    expect(ref.sizeBytes).toBe(0);
    expect((await store.get(ref)).byteLength).toBe(0);
  });

  it('streams files both ways and leaves no partial file', async () => {
    const content = randomBytes(3_000_000);
    writeFileSync(join(directory, 'in'), content);
    const ref = await store.put({ file: join(directory, 'in') }, 'application/octet-stream');
    await store.getFile(ref, join(directory, 'deep', 'er', 'out'));
    expect(readFileSync(join(directory, 'deep', 'er', 'out')).equals(content)).toBe(true);
    expect(readdirSync(join(directory, 'deep', 'er'))).toEqual(['out']);
  });

  it('takes the same content from many callers at once', async () => {
    const content = randomBytes(10_000);
    const refs = await Promise.all(Array.from({ length: 8 }, () => store.put(content, 'text/plain')));
    expect(new Set(refs.map((ref) => ref.sha256)).size).toBe(1);
    expect(Buffer.from(await store.get(refs[0] ?? absent)).equals(content)).toBe(true);
  });

  it('has conditional writes, as far as canaries tell', async () => {
    await checkConditionalWrites(store);
    expect(await store.list('canary/')).toEqual([]);
  });

  it('says which artifact is missing and where', async () => {
    const missing = { name: 'ArtifactMissingError', message: `${artifactKey(absent)} is not in ${store.location}` };
    await expect(store.get(absent)).rejects.toMatchObject(missing);
    await expect(store.getFile(absent, join(directory, 'out'))).rejects.toMatchObject(missing);
    expect(await store.has(absent)).toBe(false);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('never hands out bytes that do not have the hash', async () => {
    const ref = await store.put(randomBytes(100), 'text/plain');
    const key = artifactKey(ref);
    await overwrite(key, randomBytes(100));
    await expect(store.get(ref)).rejects.toMatchObject({ name: 'ArtifactCorruptError' });
    await expect(store.get(ref)).rejects.toThrow(new RegExp(`^${key} in ${store.location}: expected sha256`));
    await expect(store.getFile(ref, join(directory, 'out'))).rejects.toMatchObject({ name: 'ArtifactCorruptError' });
    expect(readdirSync(directory)).toEqual([]);
  });

  it('repairs an artifact of the wrong size when the content is put again', async () => {
    const content = randomBytes(100);
    const ref = await store.put(content, 'text/plain');
    await overwrite(artifactKey(ref), content.subarray(0, 50));
    expect(await store.has(ref)).toBe(false);
    await store.put(content, 'text/plain');
    expect(Buffer.from(await store.get(ref)).equals(content)).toBe(true);
  });

  it('publishes a manifest once; later attempts adopt the first', async () => {
    const key = `campaigns/${randomBytes(4).toString('hex')}/epoch-1/policy.json`;
    expect(await store.findManifest(key)).toBeNull();
    const first = await store.publish(key, manifestOf('first', { 'a.txt': absent }));
    expect(first).toEqual({ manifest: manifestOf('first', { 'a.txt': absent }), adopted: false });
    expect(await store.publish(key, manifestOf('second'))).toEqual({ manifest: first.manifest, adopted: true });
    expect(await store.readManifest(key)).toEqual(first.manifest);
  });

  it('lets exactly one of many publishers win and gives everybody the winner', async () => {
    const key = `campaigns/${randomBytes(4).toString('hex')}/race.json`;
    const published = await Promise.all(
      Array.from({ length: 16 }, (_, index) => store.publish(key, manifestOf(`attempt-${index}`))),
    );
    expect(published.filter(({ adopted }) => !adopted)).toHaveLength(1);
    expect(new Set(published.map(({ manifest }) => manifest.kind)).size).toBe(1);
  });

  it('says which manifest is missing or garbled', async () => {
    const prefix = `campaigns/${randomBytes(4).toString('hex')}`;
    await expect(store.readManifest(`${prefix}/none.json`)).rejects.toMatchObject({
      name: 'ArtifactMissingError',
      message: `${prefix}/none.json is not in ${store.location}`,
    });
    for (const garbled of ['{"kind": 1}', 'no JSON', '']) {
      await overwrite(`${prefix}/garbled.json`, text(garbled));
      await expect(store.readManifest(`${prefix}/garbled.json`)).rejects.toMatchObject({ name: 'ArtifactCorruptError' });
    }
  });

  it.each(['', '/a', 'a//b', 'a/../b', './a', 'a/', 'a\u0000b', `a/${'x'.repeat(256)}`, 'a/'.repeat(600) + 'a'])(
    'refuses the key %j',
    async (key) => {
      await expect(store.publish(key, manifestOf('x'))).rejects.toMatchObject({ name: 'BadInputError' });
    },
  );

  it('lists a prefix in order, however many keys there are, and removes what it is told to', async () => {
    const prefix = `campaigns/${randomBytes(4).toString('hex')}/`;
    const keys = Array.from({ length: 30 }, (_, index) => `${prefix}${index % 3}/c${index}/candidate.json`).sort();
    await Promise.all(keys.map((key) => store.publish(key, manifestOf('x'))));
    expect(await store.list(prefix)).toEqual(keys);
    expect(await store.list(`${prefix}nothing`)).toEqual([]);
    await store.remove(`${prefix}1/c1/candidate.json`);
    await store.remove(`${prefix}1/c1/candidate.json`);
    expect(await store.list(`${prefix}1/`)).toHaveLength(9);
  });

  it('tells sizes and times of what it lists', async () => {
    const before = Date.now();
    const ref = await store.put(randomBytes(321), 'text/plain');
    const [info] = await store.listObjects(artifactKey(ref));
    expect(info).toMatchObject({ key: artifactKey(ref), sizeBytes: 321 });
    // Servers round to seconds.
    expect(info!.modifiedMs).toBeGreaterThan(before - 2000);
    expect(info!.modifiedMs).toBeLessThan(Date.now() + 2000);
    expect(await store.findObject(artifactKey(ref))).toEqual(info);
    expect(await store.findObject(artifactKey(absent))).toBeNull();
  });

  it('writes an artifact again that is put again after an hour, so that its time tells that it is in use', async () => {
    const content = randomBytes(40);
    const ref = await store.put(content, 'text/plain');
    const written: string[] = [];
    const watched = Object.assign(Object.create(objectsOf()) as ObjectClient, {
      find: async (key: string) => {
        const info = await objectsOf().find(key);
        return info === null ? null : { ...info, modifiedMs: info.modifiedMs - age };
      },
      write: (key: string): Promise<'written'> => {
        written.push(key);
        return Promise.resolve('written');
      },
    });
    let age = 0;
    await new ContentAddressedStore(watched).put(content, 'text/plain');
    expect(written).toEqual([]);
    age = 2 * 3600 * 1000;
    await new ContentAddressedStore(watched).put(content, 'text/plain');
    expect(written).toEqual([artifactKey(ref)]);
  });

  it('gives bytes as they lie there, and their hash, without a verdict', async () => {
    const ref = await store.put(randomBytes(50), 'text/plain');
    const other = randomBytes(51);
    await overwrite(artifactKey(ref), other);
    expect(Buffer.from((await store.readBytes(artifactKey(ref)))!).equals(other)).toBe(true);
    expect(await store.hashOf(ref)).toEqual(hashBytes(other));
    expect(await store.readBytes(artifactKey(absent))).toBeNull();
    expect(await store.hashOf(absent)).toBeNull();
  });

  it('keeps names with spaces, umlauts and signs', async () => {
    const key = `campaigns/${randomBytes(4).toString('hex')}/ü b+c=d&e%f.json`;
    await store.publish(key, manifestOf('odd'));
    expect((await store.readManifest(key)).kind).toBe('odd');
    expect(await store.list(key.slice(0, 18))).toEqual([key]);
  });
}
