import { S3ServiceException } from '@aws-sdk/client-s3';
import { BadInputError, ServerUnreachableError } from '../contracts/errors';

/** Nothing was answered: not started, not reachable, or gone in the middle. */
const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EPIPE',
  'ETIMEDOUT',
  'TimeoutError',
]);

const REFUSED = new Set([
  'AccessDenied',
  'CredentialsProviderError',
  'ExpiredToken',
  'Forbidden',
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
]);

export interface S3Request {
  readonly endpoint: string;
  readonly location: string;
  readonly key: string;
}

/** The failure in words that name server, bucket and key, classified by what may be retried. */
export function explainS3Failure(error: unknown, { endpoint, location, key }: S3Request): Error {
  const reason = reasonOf(error);
  if (UNREACHABLE.has(reason)) {
    return new ServerUnreachableError(
      `the S3 server at ${endpoint} does not answer (${reason}); start it with "seal up" or set S3_ENDPOINT`,
      { cause: error },
    );
  }
  if (REFUSED.has(reason) || httpStatus(error) === 403) {
    return new BadInputError(
      {
        where: `S3 credentials for ${location}`,
        expected: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or another usual AWS source) that may use it',
        got: reason,
      },
      { cause: error },
    );
  }
  return new Error(`${key} in ${location}: ${reason}: ${(error as Partial<Error>).message ?? String(error)}`, {
    cause: error,
  });
}

/**
 * The HTTP status of a service's answer, if it is one of the expected.
 * @throws the error itself otherwise
 */
export function statusOf(error: unknown, expected: readonly number[]): number {
  const status = httpStatus(error);
  if (status === undefined || !expected.includes(status)) throw error;
  return status;
}

function httpStatus(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

/** A system error's code comes on the error, on its cause, on the first of several tried addresses, or only in the text. */
function reasonOf(error: unknown): string {
  const { code, cause, errors, message, name } = (error ?? {}) as Partial<AggregateError & NodeJS.ErrnoException>;
  if (code !== undefined && UNREACHABLE.has(code)) return code;
  for (const inner of [cause, errors?.[0] as unknown]) {
    if (inner !== undefined && UNREACHABLE.has(reasonOf(inner))) return reasonOf(inner);
  }
  return [...UNREACHABLE].find((known) => message?.includes(` ${known} `)) ?? name ?? 'unknown failure';
}
