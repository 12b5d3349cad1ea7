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
export function chat(content: string | ((request: ReceivedRequest) => string)): Behaviour {
  return (response, request) => {
    const text = typeof content === 'function' ? content(request) : content;
    json(200, { choices: [{ message: { role: 'assistant', content: text } }], usage: { completion_tokens: 3 } })(response, request);
  };
}

/** A chat answer whose message and choice hold what a test says. */
export function choice(message: object, rest: object = {}): Behaviour {
  return json(200, { choices: [{ index: 0, message: { role: 'assistant', ...message }, finish_reason: 'stop', ...rest }], usage: null });
}

/** Replies that are no text to use, each with what is said of it. A model's limit in `LIMIT` tokens. */
export const UNUSABLE: readonly (readonly [string, Behaviour, string])[] = [
  ['cut before its first word', choice({ content: null }, { finish_reason: 'length' }), '200 with a reply that was cut off before its first word by its limit of LIMIT tokens; a model that reasons needs more: raise FIELD'],
  ['cut while it reasons', choice({ content: '<think>\nThe key is' }, { finish_reason: 'length' }), '200 with a reply that was cut off while it reasoned by its limit of LIMIT tokens; a model that reasons needs more: raise FIELD'],
  ['reasoning without an end', choice({ content: '<think>\nThe key is' }), '200 with a reply whose reasoning has no end'],
  ['a content filter', choice({ content: 'Yes, the' }, { finish_reason: 'content_filter' }), '200 with a reply that ended with the finish_reason: content_filter'],
  ['a refusal', choice({ content: null, refusal: "I'm sorry,\nI can't." }), "200 with a refusal: I'm sorry, I can't."],
  ['a refusal among parts', choice({ content: [{ type: 'refusal', refusal: 'I will not.' }] }), '200 with a refusal: I will not.'],
  ['tool calls', choice({ content: null, tool_calls: [{ id: 'a' }] }, { finish_reason: 'tool_calls' }), '200 with a reply that ended with the finish_reason: tool_calls'],
  ['an end nobody knows', choice({ content: 'Yes' }, { finish_reason: 'abort' }), '200 with a reply that ended with the finish_reason: abort'],
  ['an error in its choice', choice({ content: '' }, { error: { code: 502, message: 'upstream is gone' }, finish_reason: 'error' }), '200 with an error in its choice: upstream is gone'],
  ['an error beside its choices', json(200, { error: { code: 503 }, choices: [{ message: { content: 'Yes' } }] }), '200 with an error: 503'],
  ['an error as a text', json(200, { error: 'no such thing' }), '200 with an error: no such thing'],
  ['no choices', json(200, { choices: [], usage: null }), '200 with JSON without choices[0].message.content'],
  ['nothing', choice({ content: '' }), '200 with an empty reply'],
  ['blanks', choice({ content: ' \n' }), '200 with an empty reply'],
  ['nothing but reasoning', choice({ content: '<think>\nYes?\n</think>\n' }), '200 with an empty reply after its reasoning'],
  ['nothing beside its reasoning', choice({ content: null, reasoning_content: 'Yes?' }), '200 with an empty reply after its reasoning'],
  ['a stream', json(200, 'data: {"choices": [{"delta": {"content": "Yes"}}]}\n\ndata: [DONE]\n'), '200 with a stream of events, which was not asked for'],
  ['a page', json(200, '<html><head><title>Sign in &amp; go on</title></head></html>'), '200 with a body that is not JSON: Sign in & go on'],
];

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
