import { BadInputError } from '../campaign/errors';
import { causesOf, GRPC, grpcCode } from './grpc';

const REFUSED: ReadonlySet<number | undefined> = new Set([GRPC.PERMISSION_DENIED, GRPC.UNAUTHENTICATED]);

/** What a server says that knows us and does not let us, as one line; null for any other error. */
export function refusalOf(error: unknown, address: string): BadInputError | null {
  for (const cause of causesOf(error)) {
    if (!REFUSED.has(grpcCode(cause))) continue;
    const { details } = cause as { details?: unknown };
    return new BadInputError(
      {
        where: `Temporal at ${address}`,
        expected: 'credentials that may do this (TEMPORAL_API_KEY, or the client certificate that TEMPORAL_TLS_CLIENT_CERT_PATH names)',
        got: typeof details === 'string' && details !== '' ? details : cause.message,
      },
      { cause: error },
    );
  }
  return null;
}
