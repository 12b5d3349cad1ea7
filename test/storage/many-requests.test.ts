import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { S3ObjectClient } from '../../storage/s3-client';

jest.setTimeout(240_000);

/** A server that takes its time to answer. */
async function withSlowServer(answersAfterMs: number, body: (objects: S3ObjectClient, mostAtOnce: () => number) => Promise<void>): Promise<void> {
  let [open, most] = [0, 0];
  const slow = createServer((request, response) => {
    most = Math.max(most, (open += 1));
    request.resume();
    setTimeout(() => {
      open -= 1;
      const isThere = request.url?.includes('missing') !== true;
      response.writeHead(isThere ? 200 : 404, { 'content-length': isThere ? 4 : 0 }).end(isThere && request.method === 'GET' ? 'text' : undefined);
    }, answersAfterMs);
  });
  await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
  const endpoint = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
  const objects = new S3ObjectClient({ endpoint, bucket: 'artifacts', credentials: { accessKeyId: 'key', secretAccessKey: 'secret' }, attempts: 1, connectTimeoutMs: 5000 });
  try {
    await body(objects, () => most);
  } finally {
    objects.close();
    slow.closeAllConnections();
    await new Promise((resolve) => slow.close(resolve));
  }
}

async function textOf(objects: S3ObjectClient, key: string): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of (await objects.read(key)) ?? []) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('2,067 reads at once from a slow server succeed: to wait for a connection is not to wait for the server', async () => {
  await withSlowServer(300, async (objects, mostAtOnce) => {
    const texts = await Promise.all(Array.from({ length: 2067 }, (_, i) => textOf(objects, `sha256/${i}`)));
    expect(new Set(texts)).toEqual(new Set(['text']));
    expect(mostAtOnce()).toBeLessThanOrEqual(50);
  });
});

test('a request leaves its place to another, however it ended: answered, nothing there, or left in its middle', async () => {
  await withSlowServer(5, async (objects) => {
    const all = Array.from({ length: 120 }, (_, i) => i);
    await Promise.all(all.map((i) => objects.find(`sha256/${i}`)));
    await Promise.all(all.map((i) => objects.find(`sha256/missing-${i}`)));
    await Promise.all(all.map((i) => objects.read(`sha256/missing-${i}`).catch(() => null)));
    for (const i of all) for await (const _ of (await objects.read(`sha256/${i}`)) ?? []) break;
    expect(await textOf(objects, 'sha256/last')).toBe('text');
  });
});
