import { createServer } from 'node:net';

/** The embedded servers listen here and nowhere else. */
export const LOOPBACK = '127.0.0.1';

/**
 * A port that is free now.
 * @param wanted taken if it is free; 0: any
 */
export async function freePort(wanted: number): Promise<number> {
  const port = await tryPort(wanted);
  if (port !== null) return port;
  const any = await tryPort(0);
  if (any === null) throw new Error(`no free port on ${LOOPBACK}`);
  return any;
}

function tryPort(port: number): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(null);
      else reject(error);
    });
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null));
    });
  });
}

const PORT_ATTEMPTS = 4;

/**
 * Starts what listens on ports that were free a moment ago. Somebody else may have taken one since, as several starts at once do to each
 * other: then it is started once more, on others.
 */
export async function onFreePorts<Started>(start: () => Promise<Started>): Promise<Started> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start();
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !(error instanceof Error && /address already in use/i.test(error.message))) throw error;
    }
  }
}
