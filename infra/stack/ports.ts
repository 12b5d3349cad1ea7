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
