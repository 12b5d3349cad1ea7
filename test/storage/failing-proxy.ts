import { createServer, type IncomingMessage, request as requestHttp, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What becomes of a request: answered with this status, or with this text as if it were done, cut off, cut off once the server has done it, or passed on. */
export type Fate = number | { readonly answer: string } | 'cut' | 'done, then cut' | 'pass';

export interface FailingProxy {
  readonly endpoint: string;
  /** `PUT /bucket/key?partNumber=1&...` of every request, in the order of their arrival. */
  readonly requests: string[];
  stop(): Promise<void>;
}

/** An S3 server, some of whose requests fail. */
export async function failingProxy(server: string, fateOf: (request: string) => Fate): Promise<FailingProxy> {
  const requests: string[] = [];
  const proxy = createServer((incoming, outgoing) => {
    const request = `${incoming.method} ${incoming.url}`;
    requests.push(request);
    const fate = fateOf(request);
    if (fate === 'cut') incoming.socket.destroy();
    else if (typeof fate === 'number') incoming.resume().once('end', () => outgoing.writeHead(fate, { 'content-length': 0 }).end());
    else if (typeof fate === 'object') incoming.resume().once('end', () => outgoing.writeHead(200, { 'content-type': 'application/xml' }).end(fate.answer));
    else passOn(server, incoming, outgoing, fate === 'pass');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    requests,
    stop: () =>
      new Promise((resolve) => {
        proxy.close(() => resolve());
        proxy.closeAllConnections();
      }),
  };
}

/** With the host that the request was signed for. */
function passOn(server: string, incoming: IncomingMessage, outgoing: ServerResponse, isAnswered: boolean): void {
  const { method, headers, url = '/' } = incoming;
  const passed = requestHttp(new URL(url, server), { ...(method === undefined ? {} : { method }), headers }, (answer) => {
    if (!isAnswered) {
      answer.resume().once('end', () => incoming.socket.destroy());
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(outgoing);
  });
  passed.on('error', () => incoming.socket.destroy());
  incoming.pipe(passed);
}
