import { isIP } from 'node:net';
import { BadInputError } from '../campaign/errors';
import { variable } from './environment';

export interface ListenAddress {
  /** An IP address. */
  readonly host: string;
  readonly port: number;
}

/**
 * Where a worker lets itself be looked at: `9464` (on loopback), `127.0.0.1:9464`, `0.0.0.0:9464`, `[::]:9464`.
 *
 * @returns null where the variable is not set: nothing listens
 * @throws BadInputError naming the variable
 */
export function readListenAddress(env: NodeJS.ProcessEnv, name: string): ListenAddress | null {
  const text = variable(env, name);
  if (text === undefined) return null;
  const [, bracketed, plain, digits] = /^(?:(?:\[([^\]]+)\]|([^:]+)):)?(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain ?? '127.0.0.1';
  const port = Number(digits);
  if (digits === undefined || port > 65_535 || isIP(host) === 0) {
    throw new BadInputError({ where: name, expected: 'a port, or an IP address and a port (127.0.0.1:9464)', got: JSON.stringify(text) });
  }
  return { host, port };
}

export function addressText({ host, port }: ListenAddress): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}
