import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * What a store makes of `If-None-Match: *` on a PUT: heeds it; answers with a status and code; ignores it; looks first and writes later, so
 * that simultaneous writers all win; refuses always; refuses, and writes all the same.
 */
export type Conditions = 'heeded' | readonly [status: number, code: string] | 'ignored' | 'raced' | 'always' | 'refused-but-done';

export interface ConditionalServer {
  readonly endpoint: string;
  /** Keys of what it holds. */
  readonly keys: () => string[];
  /** PUTs that were answered. */
  readonly writes: () => number;
  stop(): Promise<void>;
}

/** A small S3 server, of objects in memory, that lets everybody in. Its bucket is there. */
export async function startConditionalServer(conditions: Conditions): Promise<ConditionalServer> {
  const objects = new Map<string, Buffer>();
  let writes = 0;
  const server = createServer((request, response) => {
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const key = decodeURIComponent(new URL(request.url ?? '', 'http://s3').pathname).replace(/\/$/, '');
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const isBucket = key.split('/').length === 2;
    if (request.method === 'PUT') {
      const refused = await refusal(key, Buffer.concat(chunks), request.headers['if-none-match'] === '*');
      writes += 1;
      return void (refused === null ? response.writeHead(200, { etag: '"x"' }).end() : fail(response, ...refused));
    }
    if (request.method === 'DELETE') {
      objects.delete(key);
      return void response.writeHead(204).end();
    }
    if (isBucket) return void response.writeHead(200, { 'content-type': 'application/xml' }).end('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>');
    const body = objects.get(key);
    if (body === undefined) return fail(response, 404, 'NoSuchKey');
    response.writeHead(200, { 'content-length': body.length, 'last-modified': new Date().toUTCString() }).end(request.method === 'HEAD' ? undefined : body);
  }

  /** @returns null where it was written */
  async function refusal(key: string, body: Buffer, isConditional: boolean): Promise<readonly [number, string] | null> {
    const taken = [412, 'PreconditionFailed'] as const;
    const isThere = objects.has(key);
    if (isConditional) {
      if (typeof conditions !== 'string') return conditions;
      if (conditions === 'always' || (isThere && ['heeded', 'raced'].includes(conditions))) return taken;
      if (conditions === 'raced') await sleep(100);
    }
    objects.set(key, body);
    return isConditional && isThere && conditions === 'refused-but-done' ? taken : null;
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    keys: () => [...objects.keys()],
    writes: () => writes,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function fail(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status, { 'content-type': 'application/xml' }).end(`<Error><Code>${code}</Code><Message>it is told why</Message></Error>`);
}
