import { createServer, type Server, type ServerResponse } from 'node:http';
import { BadInputError } from '../campaign/errors';
import { addressText, type ListenAddress } from '../settings/listen-address';

/** One thing that a worker needs, as it stands. */
export interface HealthCheck {
  readonly ok: boolean;
  readonly detail: string;
}

export interface HealthChecks {
  /** Nothing short of a new process would mend it. */
  readonly alive: () => HealthCheck | Promise<HealthCheck>;
  /** By name; all must be well for work to be taken. */
  readonly ready: Readonly<Record<string, () => HealthCheck | Promise<HealthCheck>>>;
}

/** An answer that takes longer counts as none: the asker's own patience ends soon. */
const PATIENCE_MS = 5_000;

/**
 * `GET /healthz`: 200 while the process is worth keeping; `GET /readyz`: 200 while it takes work; else 503, each with what was found as
 * JSON. A process that hangs answers neither.
 */
export class HealthServer {
  private constructor(
    private readonly server: Server,
    readonly address: ListenAddress,
  ) {}

  /** @throws BadInputError where the address is taken or not this machine's */
  static async start(address: ListenAddress, variable: string, checks: HealthChecks): Promise<HealthServer> {
    const server = createServer((request, response) => void answer(request.url ?? '', checks, response));
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) =>
        reject(new BadInputError({ where: variable, expected: 'an address of this machine that is free', got: `${addressText(address)} (${error.code ?? error.message})` }, { cause: error })),
      );
      server.listen(address.port, address.host, resolve);
    });
    const bound = server.address();
    const port = typeof bound === 'object' && bound !== null ? bound.port : address.port;
    return new HealthServer(server, { ...address, port });
  }

  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }
}

async function answer(path: string, { alive, ready }: HealthChecks, response: ServerResponse): Promise<void> {
  const asked = path === '/healthz' ? { alive } : path === '/readyz' ? { alive, ...ready } : null;
  if (asked === null) return send(response, 404, { expected: ['/healthz', '/readyz'] });
  const checks = await Promise.all(Object.entries(asked).map(async ([name, check]) => [name, await withPatience(check)] as const));
  send(response, checks.every(([, { ok }]) => ok) ? 200 : 503, Object.fromEntries(checks));
}

async function withPatience(check: () => HealthCheck | Promise<HealthCheck>): Promise<HealthCheck> {
  let timer: NodeJS.Timeout | undefined;
  const impatience = new Promise<HealthCheck>((resolve) => {
    timer = setTimeout(() => resolve({ ok: false, detail: `no answer within ${PATIENCE_MS / 1000} s` }), PATIENCE_MS);
  });
  try {
    return await Promise.race([check(), impatience]);
  } catch (error) {
    return { ok: false, detail: error instanceof Error ? error.message : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(`${JSON.stringify(body)}\n`);
}
