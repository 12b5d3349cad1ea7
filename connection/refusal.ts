import { BadInputError } from '../contracts/errors';

/** gRPC: PERMISSION_DENIED, UNAUTHENTICATED. */
const REFUSED = new Set([7, 16]);

/** What a server says that knows us and does not let us, as one line; null for any other error. */
export function refusalOf(error: unknown, address: string): BadInputError | null {
  for (let current = error; current instanceof Error; current = current.cause) {
    const { code, details } = current as { code?: unknown; details?: unknown };
    if (typeof code !== 'number' || !REFUSED.has(code)) continue;
    return new BadInputError(
      {
        where: `Temporal at ${address}`,
        expected: 'credentials that may do this (TEMPORAL_API_KEY, or the client certificate that TEMPORAL_TLS_CLIENT_CERT_PATH names)',
        got: typeof details === 'string' && details !== '' ? details : current.message,
      },
      { cause: error },
    );
  }
  return null;
}
