import { connect, createServer, type Server, type Socket } from 'node:net';
import { Transform } from 'node:stream';

/** What a proxy does to what passes through it. */
export type Fault =
  | { readonly kind: 'none' }
  /** Connections are cut, new ones refused at once. */
  | { readonly kind: 'cut' }
  /** Nothing gets through and nobody is told, as when a cable is pulled. */
  | { readonly kind: 'silent' }
  /** Each way carries this many bytes a second, in pieces. */
  | { readonly kind: 'trickle'; readonly bytesPerSecond: number };

const PIECE_MS = 50;

/** A TCP proxy on a free port of loopback, to put between a worker and a server. */
export class FaultyProxy {
  readonly #sockets = new Set<Socket>();
  #fault: Fault = { kind: 'none' };
  #passed = 0;

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  static async to(address: string): Promise<FaultyProxy> {
    const [host, port] = address.replace(/^https?:\/\//, '').split(':');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const proxy = new FaultyProxy(server, (server.address() as { port: number }).port);
    server.on('connection', (client) => proxy.#connect(client, host!, Number(port)));
    return proxy;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Bytes that have passed, both ways together. */
  get passedBytes(): number {
    return this.#passed;
  }

  /** From now on, for connections that are open too. */
  set(fault: Fault): void {
    const wasSilent = this.#fault.kind === 'silent';
    this.#fault = fault;
    // What was held back is lost, as it is after a real outage.
    if (fault.kind === 'cut' || wasSilent) for (const socket of this.#sockets) socket.destroy();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }

  #connect(client: Socket, host: string, port: number): void {
    if (this.#fault.kind === 'cut') {
      client.resetAndDestroy();
      return;
    }
    const upstream = connect(port, host);
    for (const [socket, other] of [[client, upstream], [upstream, client]] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => other.destroy());
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
      socket.pipe(this.#passage()).pipe(other);
    }
  }

  #passage(): Transform {
    return new Transform({
      // A small buffer, so that the sender notices how slow it is.
      highWaterMark: 16_384,
      transform: (chunk: Buffer, _encoding, done) => void this.#pass(chunk, done),
    });
  }

  async #pass(chunk: Buffer, done: (error: null, data?: Buffer) => void): Promise<void> {
    // Held until the fault is over; by then its connection is closed.
    while (this.#fault.kind === 'silent') await pause(PIECE_MS);
    if (this.#fault.kind === 'trickle') await pause((chunk.length / this.#fault.bytesPerSecond) * 1000);
    this.#passed += chunk.length;
    done(null, chunk);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
