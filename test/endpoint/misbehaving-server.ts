import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: Record<string, unknown>;
}

/** What the server does with one request. */
export type Behaviour = (response: ServerResponse, request: ReceivedRequest) => void;

/** A local server that does to each request, in order, what a test says; then what it says of all others. */
export class MisbehavingServer {
  readonly requests: ReceivedRequest[] = [];
  /** Most requests that were open at once. */
  mostAtOnce = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #next: Behaviour[] = [];
  #otherwise: Behaviour = chat('fine');
  #open = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(): Promise<MisbehavingServer> {
    const server = new MisbehavingServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  /** Base address, as a campaign file names it. */
  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/v1`;
  }

  behave(next: readonly Behaviour[], otherwise: Behaviour = chat('fine')): void {
    this.#next = [...next];
    this.#otherwise = otherwise;
    this.requests.length = 0;
    this.mostAtOnce = 0;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#open += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#open);
    response.once('close', () => (this.#open -= 1));
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = JSON.parse(Buffer.concat(pieces).toString('utf8')) as Record<string, unknown>;
    const received = { path: request.url ?? '', headers: request.headers, body };
    this.requests.push(received);
    (this.#next.shift() ?? this.#otherwise)(response, received);
  }
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Behaviour {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers });
    response.end(typeof value === 'string' ? value : JSON.stringify(value));
  };
}

/** A well-formed chat answer; its text may depend on the request. */
export function chat(content: string | null | ((request: ReceivedRequest) => string)): Behaviour {
  return (response, request) => {
    const text = typeof content === 'function' ? content(request) : content;
    json(200, { choices: [{ message: { role: 'assistant', content: text } }], usage: { completion_tokens: 3 } })(response, request);
  };
}

/** An error as OpenAI words it. */
export function refusal(status: number, message: string, headers: Record<string, string> = {}): Behaviour {
  return json(status, { error: { message, type: 'invalid_request_error' } }, headers);
}

/** Promises more than it sends, then hangs up. */
export const cutBody: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"choices": [{"message": {"content": "half of an', () => response.destroy());
};

/** Hangs up in the middle of a chunked body. */
export const cutStream: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"choices": [', () => response.destroy());
};

/** Never answers. */
export const silence: Behaviour = () => undefined;

/** Sends a little, then nothing. */
export const stall: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.write('{"choices": [');
};

/** Sends without end, as fast as it is read. */
export const endless: Behaviour = (response) => {
  response.writeHead(200, { 'content-type': 'application/json' });
  const piece = Buffer.alloc(64 * 1024, ' ');
  const send = (): void => {
    while (!response.destroyed && response.write(piece));
  };
  response.on('drain', send);
  send();
};
