import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toFailure } from '../../activities/execution/failure';
import { StoreFailedError } from '../../campaign/errors';
import { putDirectory } from '../../storage/artifact-directory';
import { ContentAddressedStore } from '../../storage/content-addressed-store';
import { S3ObjectClient } from '../../storage/s3-client';
import { explainS3Failure } from '../../storage/s3-failure';
import { manifestOf } from './artifact-store-contract';
import { type RunningS3, startS3 } from './s3-server';
import { canMount, mountSmallDisk, type SmallDisk } from './small-disk';

jest.setTimeout(120_000);

const CREDENTIALS = { accessKeyId: 'key', secretAccessKey: 'secret' };
const where = canMount ? describe : describe.skip;

where('a real S3 server on a small disk (needs a mount)', () => {
  let s3: RunningS3;
  let disk: SmallDisk;
  let objects: S3ObjectClient;
  let store: ContentAddressedStore;
  const large = randomBytes(200_000);

  beforeAll(async () => {
    s3 = await startS3((home) => {
      disk = mountSmallDisk(join(home, 'objects'));
    });
    objects = new S3ObjectClient({ endpoint: s3.endpoint, bucket: 'artifacts', credentials: s3.credentials, attempts: 1 });
    await objects.ensureBucket();
    store = new ContentAddressedStore(objects);
  });
  afterAll(async () => {
    objects.close();
    await s3.stop(() => disk.unmount());
  });

  test.each([
    ['full', 'InsufficientStorage (507)', () => disk.fill(), () => disk.empty()],
    ['read-only', 'InternalError (500)', () => disk.setReadOnly(true), () => disk.setReadOnly(false)],
  ])('that is %s keeps what it has, takes nothing by halves, and works again once it is mended', async (name, words, disturb, mend) => {
    const before = await store.put(Buffer.from(`before ${name}`), 'text/plain');
    const keys = await store.list('');
    disturb();
    const put = store.put(large, 'application/octet-stream');
    await expect(put).rejects.toThrow(StoreFailedError);
    await expect(put).rejects.toThrow(words);
    await expect(store.publish(`campaigns/${name}/one.json`, manifestOf('one'))).rejects.toThrow(StoreFailedError);
    expect(await store.findManifest(`campaigns/${name}/one.json`)).toBeNull();
    expect(await store.list('')).toEqual(keys);
    expect(Buffer.from(await store.get(before)).toString()).toBe(`before ${name}`);
    mend();
    const ref = await store.put(large, 'application/octet-stream');
    expect(Buffer.from(await store.get(ref)).equals(large)).toBe(true);
    expect((await store.publish(`campaigns/${name}/one.json`, manifestOf('one'))).adopted).toBe(false);
    await store.remove(`sha256/${ref.sha256}`);
  });

  test('is full while the files of a directory are stored: no manifest names what is not there', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'seal-parts-'));
    writeFileSync(join(directory, 'a.bin'), randomBytes(1000));
    writeFileSync(join(directory, 'b.bin'), randomBytes(600_000));
    await expect(putDirectory(store, directory)).rejects.toThrow(StoreFailedError);
    // The first file is there, addressed by its content; it harms nobody and is found by the next attempt.
    expect((await store.list('sha256/')).length).toBeGreaterThan(0);
    rmSync(directory, { recursive: true });
  });

  test('and a full disk of this machine is no fault of the store: what was read in part is gone', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'seal-local-'));
    const local = mountSmallDisk(join(directory, 'disk'));
    try {
      const ref = await store.put(large, 'application/octet-stream');
      local.fill();
      const error: unknown = await store.getFile(ref, join(local.directory, 'out')).catch((thrown: unknown) => thrown);
      expect(toFailure(error, false)).toMatchObject({ type: 'DiskFullError', nonRetryable: false });
      expect(readdirSync(local.directory)).toEqual(['.ballast']);
      local.empty();
      local.setReadOnly(true);
      const readOnly: unknown = await store.getFile(ref, join(local.directory, 'out')).catch((thrown: unknown) => thrown);
      expect(toFailure(readOnly, false)).toMatchObject({ type: 'DiskFullError' });
    } finally {
      local.unmount();
      rmSync(directory, { recursive: true });
    }
  });
});

/** Answers every request with this status and S3 error code. */
async function refusing(status: number, code: string): Promise<{ readonly endpoint: string; readonly requests: () => number; stop(): Promise<void> }> {
  let requests = 0;
  const server = createHttpServer((request, response) => {
    requests += 1;
    request.resume().once('end', () => response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code><Message>it cannot</Message></Error>`));
  });
  const endpoint = await listening(server);
  return { endpoint, requests: () => requests, stop: () => new Promise((resolve) => server.close(() => resolve())) };
}

async function listening(server: Server | ReturnType<typeof createHttpServer>): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test.each([
  [503, 'SlowDown', 'StoreFailedError', 2],
  [503, 'ServiceUnavailable', 'StoreFailedError', 2],
  [500, 'InternalError', 'StoreFailedError', 2],
  [502, 'BadGateway', 'StoreFailedError', 2],
  [429, 'TooManyRequests', 'StoreFailedError', 2],
  [400, 'RequestTimeout', 'ServerUnreachableError', 2],
  [404, 'NoSuchUpload', 'StoreFailedError', 1],
  // Nobody makes room within a second.
  [507, 'InsufficientStorage', 'StoreFailedError', 1],
  // No other credentials are found than those that were refused.
  [403, 'AccessDenied', 'StoreRefusedError', 1],
  [403, 'InvalidAccessKeyId', 'StoreRefusedError', 1],
  [403, 'SignatureDoesNotMatch', 'StoreRefusedError', 1],
  [403, 'SomethingNew', 'StoreRefusedError', 1],
  [400, 'ExpiredToken', 'StoreRefusedError', 1],
  [400, 'TokenRefreshRequired', 'StoreRefusedError', 1],
  // It has no such thing, and waiting does not bring it.
  [501, 'NotImplemented', 'BadInputError', 1],
  [405, 'MethodNotAllowed', 'BadInputError', 1],
  [400, 'NotImplemented', 'BadInputError', 1],
  // Of another opinion about the time: asked once more by the client, with the server's.
  [403, 'RequestExpired', 'StoreFailedError', 2],
])('a server that answers %p %s is a %s after %p tries', async (status, code, name, tries) => {
  const server = await refusing(status, code);
  const objects = new S3ObjectClient({ endpoint: server.endpoint, bucket: 'artifacts', credentials: CREDENTIALS, attempts: 2 });
  const options = { mediaType: 'text/plain', sha256: '0'.repeat(64), sizeBytes: 1, ifAbsent: false };
  await expect(objects.write('sha256/x', new Uint8Array(1), options)).rejects.toMatchObject({ name, message: expect.stringContaining(server.endpoint) as string });
  expect(server.requests()).toBe(tries);
  objects.close();
  await server.stop();
});

test('a clock that is wrong is no wrong key: it is set right one day', () => {
  const error = Object.assign(new Error('the difference is too large'), { name: 'RequestTimeTooSkewed' });
  expect(explainS3Failure(error, { endpoint: 'http://s3', location: 'bucket a at http://s3', key: 'k' })).toBeInstanceOf(StoreFailedError);
});

test('a body that stops coming in its middle is given up, as no answer is', async () => {
  const stopping = createServer((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this'));
    socket.on('error', () => undefined);
  });
  const objects = new S3ObjectClient({ endpoint: await listening(stopping), bucket: 'artifacts', credentials: CREDENTIALS, attempts: 1, idleTimeoutMs: 500 });
  const read = async (): Promise<void> => {
    for await (const chunk of (await objects.read('sha256/x')) ?? []) expect(chunk.byteLength).toBeLessThan(100);
  };
  await expect(read()).rejects.toMatchObject({ name: 'ServerUnreachableError' });
  objects.close();
  await new Promise((resolve) => stopping.close(resolve));
});
