import { readFileSync } from 'node:fs';
import { connect as connectHttp2, createServer as createHttp2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { CertificateFiles } from './certificates';

export interface Proxy {
  /** host:port */
  readonly address: string;
  stop(): Promise<void>;
}

/** TLS in front of a server that has none, as an ingress does it. @param clients authority whose certificates callers must have */
export async function tlsProxy(upstream: string, own: CertificateFiles, clients?: CertificateFiles): Promise<Proxy> {
  const server = createTlsServer(
    {
      cert: readFileSync(own.certificate),
      key: readFileSync(own.key),
      ALPNProtocols: ['h2'],
      ...(clients === undefined ? {} : { ca: readFileSync(clients.certificate), requestCert: true, rejectUnauthorized: true }),
    },
    (socket) => {
      const [host, port] = upstream.split(':');
      const behind = connect({ host: host!, port: Number(port) });
      socket.pipe(behind).pipe(socket);
      for (const [one, other] of [[socket, behind], [behind, socket]] as const) one.on('error', () => other.destroy()).on('close', () => other.destroy());
    },
  );
  return listening(server);
}

/** gRPC: what a server with an authoriser answers. */
const UNAUTHENTICATED = '16';
const PERMISSION_DENIED = '7';
/** HTTP/2: nothing follows these headers. */
const END_STREAM = 1;

/** Lets calls with this key pass, and of those only the ones that are `allowed`. */
export async function authorisingProxy(upstream: string, apiKey: string, allowed: (method: string) => boolean = () => true): Promise<Proxy> {
  const server = createHttp2Server();
  server.on('stream', (stream, headers) => {
    const refuse = (status: string, message: string): void => {
      stream.respond({ ':status': 200, 'content-type': 'application/grpc', 'grpc-status': status, 'grpc-message': message }, { endStream: true });
    };
    if (headers.authorization !== `Bearer ${apiKey}`) return refuse(UNAUTHENTICATED, 'Request unauthorized.');
    if (!allowed(String(headers[':path']))) return refuse(PERMISSION_DENIED, 'not for this key');
    forward(stream, headers, upstream);
  });
  return listening(server);
}

function forward(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, upstream: string): void {
  const session = connectHttp2(`http://${upstream}`);
  const end = (): void => {
    stream.destroy();
  };
  session.on('error', end);
  const request = session.request({ ...headers, ':authority': upstream });
  stream.on('error', () => request.close()).on('close', () => session.destroy());
  stream.pipe(request);
  request.on('error', end);
  request.once('response', ({ ':status': status, ...rest }, flags) => {
    const onlyHeaders = (flags & END_STREAM) !== 0;
    if (onlyHeaders) {
      stream.respond({ ':status': status, ...rest }, { endStream: true });
      return;
    }
    stream.respond({ ':status': status, ...rest }, { waitForTrailers: true });
    let trailers: IncomingHttpHeaders = {};
    request.once('trailers', (given: IncomingHttpHeaders) => {
      trailers = given;
    });
    stream.once('wantTrailers', () => stream.sendTrailers(trailers));
    request.pipe(stream);
  });
}

async function listening(server: Server): Promise<Proxy> {
  const sockets = new Set<Socket>();
  for (const event of ['connection', 'secureConnection']) {
    server.on(event, (socket: Socket) => {
      sockets.add(socket);
      socket.once('close', () => sockets.delete(socket));
    });
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
