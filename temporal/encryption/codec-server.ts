import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Payload, PayloadCodec } from '@temporalio/common';
import { z } from 'zod';
import { BadInputError } from '../../campaign/errors';
import { isLoopback } from '../../settings/temporal-profile';
import { PayloadTamperedError } from './encryption-codec';

export interface CodecServerOptions {
  readonly codec: PayloadCodec;
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  /** Of web UIs that may ask, as `http://127.0.0.1:8233`. Any other origin is refused. */
  readonly origins: readonly string[];
  /** What every request must carry as `Authorization: Bearer ...`; null: nothing, which only loopback allows. */
  readonly token: string | null;
  /** The only namespace whose payloads are served. */
  readonly namespace: string;
  /** Certificate and key in PEM. @default http */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export interface RunningCodecServer {
  readonly url: string;
  close(): Promise<void>;
}

/** A page of a history, decoded, with room to spare. */
const MAX_BODY_BYTES = 64 * 2 ** 20;
const ALLOWED_HEADERS = 'authorization, content-type, x-namespace';

/**
 * Temporal's remote codec: `POST /encode` and `POST /decode`, for the web UI and the `temporal` program. Whoever may ask it reads everything that the keys
 * open: so it serves loopback, one namespace and named origins, and beyond loopback only who has the token.
 *
 * @throws BadInputError beyond loopback without a token, or where the port is taken
 */
export async function serveCodec(options: CodecServerOptions): Promise<RunningCodecServer> {
  const { host, port, token, tls } = options;
  if (token === null && !isLoopback(host === '::1' ? '[::1]' : host)) {
    throw new BadInputError({ where: `--host ${host}`, expected: 'a token (SEAL_CODEC_TOKEN) where others than this machine can ask', got: 'none' });
  }
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer(options, request, response).catch((error: unknown) => {
      if (error instanceof RequestError) end(response, error.status, { message: error.message });
      // What it stumbled over may be what nobody should see.
      else end(response, 500, { message: 'the codec failed' });
    });
  };
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  await listening(server, host, port);
  const { port: chosen } = server.address() as AddressInfo;
  const shown = host.includes(':') ? `[${host}]` : host;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${shown}:${chosen}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      reject(new BadInputError({ where: `--host ${host} --port ${port}`, expected: 'an address of this machine that is free', got: cause.code ?? cause.message }, { cause }));
    });
    server.listen(port, host, resolve);
  });
}

class RequestError extends Error {
  override readonly name = 'RequestError';
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function answer(options: CodecServerOptions, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { origin } = request.headers;
  if (origin !== undefined) {
    if (!options.origins.includes(origin)) throw new RequestError(403, 'this origin may not ask (--origin names those that may)');
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-allow-headers', ALLOWED_HEADERS);
    response.setHeader('access-control-allow-methods', 'POST, OPTIONS');
    response.setHeader('vary', 'origin');
  }
  // A browser asks first, without the token.
  if (request.method === 'OPTIONS') return end(response, 204);
  const convert = conversionOf(options.codec, request.url ?? '');
  if (request.method !== 'POST') throw new RequestError(405, 'POST is expected');
  refuseStranger(options, request);
  const payloads = await readPayloads(request);
  try {
    end(response, 200, { payloads: (await convert(payloads)).map(toJson) });
  } catch (error) {
    // These name a key, and quote nothing.
    if (error instanceof BadInputError || error instanceof PayloadTamperedError) throw new RequestError(400, error.message);
    throw error;
  }
}

function conversionOf(codec: PayloadCodec, url: string): (payloads: Payload[]) => Promise<Payload[]> {
  if (url === '/encode') return (payloads) => codec.encode(payloads);
  if (url === '/decode') return (payloads) => codec.decode(payloads);
  throw new RequestError(404, '/encode or /decode is expected');
}

function refuseStranger({ token, namespace }: CodecServerOptions, { headers }: IncomingMessage): void {
  if (token !== null && !isSame(headers.authorization ?? '', `Bearer ${token}`)) throw new RequestError(401, 'the header Authorization: Bearer TOKEN is expected');
  const asked = headers['x-namespace'];
  if (asked !== undefined && asked !== namespace) throw new RequestError(403, 'another namespace is served here');
  // A form of a web page can post other kinds of content without asking first.
  if (!/^application\/json\b/.test(headers['content-type'] ?? '')) throw new RequestError(415, 'application/json is expected');
}

/** In the same time whatever differs. */
function isSame(got: string, expected: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(got), digest(expected));
}

const base64 = z.string().regex(/^[A-Za-z0-9+/_-]*={0,2}$/);
const payloadsSchema = z.object({
  payloads: z.array(z.object({ metadata: z.record(z.string(), base64).default({}), data: base64.default('') })),
});

async function readPayloads(request: IncomingMessage): Promise<Payload[]> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of request) {
    size += (piece as Buffer).length;
    if (size > MAX_BODY_BYTES) throw new RequestError(413, `at most ${MAX_BODY_BYTES} bytes are expected`);
    pieces.push(piece as Buffer);
  }
  const parsed = payloadsSchema.safeParse(jsonOf(Buffer.concat(pieces).toString('utf8')));
  if (!parsed.success) throw new RequestError(400, '{"payloads": [{"metadata", "data"}]} in base64 is expected');
  return parsed.data.payloads.map(({ metadata, data }) => ({
    metadata: Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, bytesOf(value)])),
    data: bytesOf(data),
  }));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function bytesOf(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'base64'));
}

function toJson({ metadata, data }: Payload): { metadata: Record<string, string>; data: string } {
  const encode = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('base64');
  return { metadata: Object.fromEntries(Object.entries(metadata ?? {}).map(([name, value]) => [name, encode(value)])), data: encode(data) };
}

function end(response: ServerResponse, status: number, body?: unknown): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { 'cache-control': 'no-store', ...(body === undefined ? {} : { 'content-type': 'application/json' }) });
  response.end(body === undefined ? undefined : JSON.stringify(body));
}
