import { createServer, request as send, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A proxy before an S3 server, on a free port of loopback, that answers for it while it is told to refuse. */
export class RefusingProxy {
  /** The error code of S3 that every request is refused with; null: they go through. */
  refusal: { readonly status: number; readonly code: string } | null = null;

  private constructor(
    private readonly server: Server,
    readonly endpoint: string,
  ) {}

  static async to(endpoint: string): Promise<RefusingProxy> {
    const { hostname, port } = new URL(endpoint);
    const server = createServer((incoming, response) => {
      const { refusal } = proxy;
      if (refusal !== null) {
        const body = `<Error><Code>${refusal.code}</Code><Message>refused by the proxy</Message></Error>`;
        incoming.resume().once('end', () => response.writeHead(refusal.status, { 'content-type': 'application/xml' }).end(incoming.method === 'HEAD' ? undefined : body));
        return;
      }
      // The host that was signed is the one that was asked for.
      const { method, url: path, headers } = incoming;
      const outgoing = send({ hostname, port, method, path, headers }, (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 500, answer.headers)));
      outgoing.once('error', () => response.destroy());
      incoming.pipe(outgoing);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new RefusingProxy(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    return proxy;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
