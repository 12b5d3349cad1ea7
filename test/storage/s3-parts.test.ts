import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ContentAddressedStore } from '../../storage/content-addressed-store';
import { hashBytes } from '../../storage/content-hash';
import { S3ObjectClient } from '../../storage/s3-client';
import { type FailingProxy, failingProxy, type Fate } from './failing-proxy';
import { type RunningS3, startS3 } from './s3-server';

jest.setTimeout(120_000);

const MIB = 2 ** 20;
const PART = /partNumber=(\d+)/;

let s3: RunningS3;
let directory: string;
beforeAll(async () => {
  s3 = await startS3();
  directory = mkdtempSync(join(tmpdir(), 'seal-parts-'));
});
afterAll(async () => {
  rmSync(directory, { recursive: true });
  await s3.stop();
});

/** A file of random bytes. */
function file(mebibytes: number): { readonly path: string; readonly bytes: Buffer; readonly sha256: string; readonly sizeBytes: number } {
  const bytes = randomBytes(mebibytes * MIB);
  const path = join(directory, `${createHash('sha256').update(bytes).digest('hex')}`);
  writeFileSync(path, bytes);
  return { path, bytes, ...hashBytes(bytes) };
}

async function withFates(fateOf: (request: string) => Fate, body: (objects: S3ObjectClient, proxy: FailingProxy) => Promise<void>, attempts = 3): Promise<void> {
  const proxy = await failingProxy(s3.endpoint, fateOf);
  const objects = new S3ObjectClient({ endpoint: proxy.endpoint, bucket: 'artifacts', credentials: s3.credentials, attempts });
  try {
    await objects.ensureBucket();
    await body(objects, proxy);
  } finally {
    objects.close();
    await proxy.stop();
  }
}

/** Uploads in parts that have not come to an end. */
function unfinished(objects: S3ObjectClient): Promise<number> {
  return objects.removeUnfinished(Number.POSITIVE_INFINITY, true);
}

/** Each request that the pattern finds meets this fate the first time. */
function once(pattern: RegExp, fate: Fate): (request: string) => Fate {
  const seen = new Set<string>();
  return (request) => {
    const [found] = pattern.exec(request) ?? [];
    if (found === undefined || seen.has(found)) return 'pass';
    seen.add(found);
    return fate;
  };
}

test.each<[Fate]>([[503], ['cut'], ['done, then cut']])('a file larger than a part goes in parts, and each part that fails (%p) is sent again', async (fate) => {
  const large = file(20);
  await withFates(once(PART, fate), async (objects, { requests }) => {
    const store = new ContentAddressedStore(objects);
    const ref = await store.put({ file: large.path }, 'application/octet-stream');
    const parts = requests.flatMap((request) => PART.exec(request)?.[1] ?? []);
    expect(parts.sort()).toEqual(['1', '1', '2', '2', '3', '3']);
    await store.getFile(ref, join(directory, 'out'));
    expect(readFileSync(join(directory, 'out')).equals(large.bytes)).toBe(true);
    expect(await unfinished(objects)).toBe(0);
  });
});

test('a file that fits into one request is sent again too', async () => {
  const small = file(1);
  await withFates(once(/^PUT .*sha256.*/, 'cut'), async (objects, { requests }) => {
    const store = new ContentAddressedStore(objects);
    const ref = await store.put({ file: small.path }, 'application/octet-stream');
    expect(requests.filter((request) => request.startsWith(`PUT /artifacts/sha256/${ref.sha256}`))).toHaveLength(2);
    expect(small.bytes.equals(await store.get(ref))).toBe(true);
  });
});

test('an upload whose end is cut off, but was reached, has succeeded', async () => {
  const large = file(9);
  await withFates(once(/^POST .*uploadId=/, 'done, then cut'), async (objects) => {
    const store = new ContentAddressedStore(objects);
    expect(await store.has(await store.put({ file: large.path }, 'application/octet-stream'))).toBe(true);
  });
});

test('an upload whose parts are said to be put together, but are not yet, is tried again', async () => {
  const large = file(9);
  const answer = '<CompleteMultipartUploadResult><ETag>"1-2"</ETag></CompleteMultipartUploadResult>';
  await withFates(once(/^POST .*uploadId=/, { answer }), async (objects) => {
    const store = new ContentAddressedStore(objects);
    await expect(store.put({ file: large.path }, 'text/plain')).rejects.toMatchObject({ name: 'StoreFailedError', message: expect.stringContaining('expected 9437184 bytes, got none') });
    await objects.removeUnfinished(Number.POSITIVE_INFINITY, false);
  });
});

test('an upload that cannot be finished leaves nothing behind', async () => {
  const large = file(20);
  const fateOf = (request: string): Fate => (PART.exec(request)?.[1] === '3' ? 503 : 'pass');
  await withFates(fateOf, async (objects) => {
    const store = new ContentAddressedStore(objects);
    await expect(store.put({ file: large.path }, 'application/octet-stream')).rejects.toMatchObject({ name: 'StoreFailedError' });
    expect(await objects.find(`sha256/${large.sha256}`)).toBeNull();
    expect(await unfinished(objects)).toBe(0);
  }, 2);
});

test('a file that is not what it was when it was hashed is not stored, and leaves nothing behind', async () => {
  const large = file(9);
  await withFates(() => 'pass', async (objects) => {
    const options = { mediaType: 'text/plain', sha256: '0'.repeat(64), sizeBytes: large.sizeBytes, ifAbsent: false };
    await expect(objects.write('sha256/changed', { file: large.path }, options)).rejects.toThrow('changed while it was being stored');
    expect(await objects.find('sha256/changed')).toBeNull();
    expect(await unfinished(objects)).toBe(0);
  });
});

test('an object in parts is left alone where another was first', async () => {
  const [first, second] = [file(9), file(10)];
  await withFates(() => 'pass', async (objects) => {
    const write = ({ path, bytes: _, ...content }: typeof first): Promise<'written' | 'exists'> => objects.write('large/one', { file: path }, { mediaType: 'text/plain', ifAbsent: true, ...content });
    expect(await write(first)).toBe('written');
    expect(await write(second)).toBe('exists');
    expect(await objects.find('large/one')).toMatchObject({ sizeBytes: first.sizeBytes });
    expect(await unfinished(objects)).toBe(0);
  });
});

test('the parts that a killed process left are removed once they are old enough', async () => {
  const large = file(20);
  let isKilled = false;
  const fateOf = (request: string): Fate => {
    isKilled ||= PART.exec(request)?.[1] === '3';
    return isKilled ? 'cut' : 'pass';
  };
  const before = Date.now();
  await withFates(fateOf, async (objects) => {
    await expect(new ContentAddressedStore(objects).put({ file: large.path }, 'text/plain')).rejects.toThrow('socket hang up');
  }, 1);
  await withFates(() => 'pass', async (objects) => {
    // Servers round to seconds.
    expect(await objects.removeUnfinished(before - 2000, false)).toBe(0);
    expect(await unfinished(objects)).toBe(1);
    expect(await objects.removeUnfinished(Date.now() + 2000, false)).toBe(1);
    expect(await unfinished(objects)).toBe(0);
  });
});
