import { createServer as createHttpServer } from 'node:http';
import { createServer, type Server } from 'node:net';
import { S3ObjectClient, type S3ClientSettings } from '../../storage/s3-client';
import { openS3Store } from '../../storage/open-store';
import { itKeepsArtifacts, manifestOf } from './artifact-store-contract';
import { type RunningS3, startS3 } from './s3-server';

jest.setTimeout(120_000);

/** SHA-256 of one zero byte. */
const ZERO_BYTE_SHA256 = '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d';

let s3: RunningS3;
beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.stop());
const settings = (): S3ClientSettings => ({ endpoint: s3.endpoint, bucket: 'artifacts', credentials: s3.credentials });

describe('the artifact store on a real S3 server', () => {
  let objects: S3ObjectClient;
  beforeAll(async () => {
    objects = new S3ObjectClient(settings());
    await objects.ensureBucket();
  });
  afterAll(() => objects.close());
  itKeepsArtifacts(() => objects);

  it('is refused bytes that do not have the hash they are sent with', async () => {
    const options = { mediaType: 'text/plain', sha256: '0'.repeat(64), sizeBytes: 3, ifAbsent: false };
    await expect(objects.write('sha256/wrong', Buffer.from('abc'), options)).rejects.toThrow(
      /^sha256\/wrong in bucket artifacts at http/,
    );
    expect(await objects.find('sha256/wrong')).toBeNull();
  });

  it('lists past one page', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `pages/${String(index).padStart(2, '0')}`);
    const options = { mediaType: 'text/plain', sha256: ZERO_BYTE_SHA256, sizeBytes: 1, ifAbsent: false };
    await Promise.all(names.map((name) => objects.write(name, new Uint8Array(1), options)));
    const paging = new S3ObjectClient({ ...settings(), pageSize: 7 });
    expect((await paging.list('pages/')).map(({ key }) => key)).toEqual(names);
    paging.close();
  });
});

describe('opening', () => {
  it('creates the bucket once, also for several callers at once', async () => {
    const stores = await Promise.all([1, 2, 3, 4].map(() => openS3Store({ ...settings(), bucket: 'opened' })));
    await stores[0]?.publish('campaigns/a/one.json', manifestOf('one'));
    expect((await stores[3]?.readManifest('campaigns/a/one.json'))?.kind).toBe('one');
    for (const store of stores) store.close();
  });

  it('says who refused which credentials', async () => {
    const wrong = { ...s3.credentials, secretAccessKey: 'wrong' };
    await expect(openS3Store({ ...settings(), credentials: wrong })).rejects.toMatchObject({
      name: 'StoreRefusedError',
      message: expect.stringContaining(`S3 credentials for bucket artifacts at ${s3.endpoint}: expected AWS_ACCESS_KEY_ID`),
    });
  });
});

it('asks again who won where another conditional write is under way', async () => {
  const statuses = [409, 409, 412];
  const aws = createHttpServer((request, response) => {
    request.resume().once('end', () => response.writeHead(statuses.shift() ?? 500).end());
  });
  await new Promise<void>((resolve) => aws.listen(0, '127.0.0.1', resolve));
  const address = aws.address();
  const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  const objects = new S3ObjectClient({ ...settings(), endpoint });
  const options = { mediaType: 'text/plain', sha256: ZERO_BYTE_SHA256, sizeBytes: 1, ifAbsent: true };
  expect(await objects.write('campaigns/a/one.json', new Uint8Array(1), options)).toBe('exists');
  expect(statuses).toEqual([]);
  objects.close();
  await new Promise((resolve) => aws.close(resolve));
});

describe('a clock that is set', () => {
  /** Answers each request with the next of the statuses, the last one for ever. */
  async function withAnswers(statuses: number[], body: (objects: S3ObjectClient) => Promise<void>): Promise<void> {
    const store = createHttpServer((request, response) => {
      const status = statuses.length > 1 ? statuses.shift() : statuses[0];
      request.resume().once('end', () => response.writeHead(status ?? 500, { 'content-length': 0 }).end());
    });
    await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve));
    const address = store.address();
    const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const objects = new S3ObjectClient({ ...settings(), endpoint, attempts: 1 });
    try {
      await body(objects);
    } finally {
      objects.close();
      await new Promise((resolve) => store.close(resolve));
    }
  }
  it('makes a refusal without a reason one to ask again about: a HEAD whose time is wrong gets one', async () => {
    await withAnswers([403, 404], async (objects) => {
      expect(await objects.find('sha256/one')).toBeNull();
    });
    await withAnswers([403], async (objects) => {
      await expect(objects.find('sha256/one')).rejects.toMatchObject({ name: 'StoreRefusedError' });
    });
  });

  it('is forgiven, of requests at once too', async () => {
    const objects = new S3ObjectClient(settings());
    const now = Date.now.bind(Date);
    const clock = jest.spyOn(Date, 'now');
    for (const hours of [1, -1, 0]) {
      clock.mockImplementation(() => now() + hours * 3_600_000);
      const found = await Promise.all([1, 2, 3].map(() => objects.find('sha256/none')));
      expect(found).toEqual([null, null, null]);
    }
    clock.mockRestore();
    objects.close();
  });
});

describe('a server that does not answer', () => {
  const quick = { connectTimeoutMs: 500, idleTimeoutMs: 500, attempts: 1 };
  let silent: Server;
  let silentEndpoint: string;
  beforeAll(async () => {
    silent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const address = silent.address();
    silentEndpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  });
  afterAll(() => new Promise((resolve) => silent.close(resolve)));

  it('is named with its address where nothing listens', async () => {
    const endpoint = 'http://127.0.0.1:1';
    await expect(openS3Store({ ...settings(), ...quick, endpoint })).rejects.toMatchObject({
      name: 'ServerUnreachableError',
      message: `the S3 server at ${endpoint} does not answer (ECONNREFUSED); start it with "seal up" or set S3_ENDPOINT`,
    });
  });

  it('is named with its address where it stays silent', async () => {
    await expect(openS3Store({ ...settings(), ...quick, endpoint: silentEndpoint })).rejects.toMatchObject({
      name: 'ServerUnreachableError',
      message: expect.stringContaining(silentEndpoint),
    });
  });

  it('is named where the stream breaks in the middle of an object', async () => {
    const cutting = createServer((socket) => {
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this');
        setTimeout(() => socket.destroy(), 20);
      });
    });
    await new Promise<void>((resolve) => cutting.listen(0, '127.0.0.1', resolve));
    const address = cutting.address();
    const endpoint = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
    const objects = new S3ObjectClient({ ...settings(), ...quick, endpoint });
    const read = async (): Promise<void> => {
      for await (const chunk of (await objects.read('sha256/x')) ?? []) expect(chunk.byteLength).toBeLessThan(100);
    };
    await expect(read()).rejects.toMatchObject({ name: 'ServerUnreachableError' });
    objects.close();
    await new Promise((resolve) => cutting.close(resolve));
  });
});
