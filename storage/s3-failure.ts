import { S3ServiceException } from '@aws-sdk/client-s3';
import { BadInputError, ServerUnreachableError, StoreFailedError, StoreRefusedError } from '../campaign/errors';
import { CONDITIONAL_WRITES } from './conditional-writes';

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
  // The server gave up waiting for what was being sent to it.
  'RequestTimeout',
]);

/** The two machines' clocks are more than some minutes apart. */
const CLOCK_SKEW = new Set(['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture']);

/**
 * It answers and cannot do it, whatever is asked of it: full (507), asked to slow down (429, 503), broken inside or read-only (500), or
 * of another opinion about the time, which signatures depend on.
 */
const FAILED = new Set([
  'InternalError',
  // Somebody has removed the parts of an upload that was under way: it begins again.
  'NoSuchUpload',
  'InsufficientStorage',
  'QuotaExceeded',
  ...CLOCK_SKEW,
  'ServiceUnavailable',
  'SlowDown',
  'Throttling',
  'ThrottlingException',
  'TooManyRequests',
  'XMinioStorageFull',
]);
const TOO_MANY_REQUESTS = 429;

/** It cannot do that, today or later. Some say so with 400. */
const UNIMPLEMENTED = new Set(['NotImplemented', 'MethodNotAllowed']);
const UNIMPLEMENTED_STATUS: readonly (number | undefined)[] = [405, 501];

/** Of some time only: renewed by whoever gave them. */
const EXPIRED = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']);

/** It does not know us, or knows us and does not let us. Some of these come with 400. */
const REFUSED = new Set([
  ...EXPIRED,
  'AccessDenied',
  'AllAccessDisabled',
  'CredentialsProviderError',
  'Forbidden',
  'InvalidAccessKeyId',
  'InvalidToken',
  'SignatureDoesNotMatch',
  'TokenProviderError',
  // Versity's gateway knows no such key, and says so with 404.
  'XAdminUserNotFound',
]);
const BAD_REQUEST = 400;
const FORBIDDEN = 403;

/** What the SDK calls an answer without a body, as one to a HEAD is. */
const UNEXPLAINED = new Set(['Unknown', 'UnknownError', '400', '403']);

/** OpenSSL's and Node's words, in codes or texts, for a certificate that is not accepted, or for no TLS at all. */
const UNTRUSTED = /certificate|\bEPROTO\b|^(CERT_|ERR_TLS_|ERR_SSL_)/i;

export interface S3Request {
  readonly endpoint: string;
  readonly location: string;
  readonly key: string;
  /** Whether it was to write only where nothing is yet. @default false */
  readonly isConditional?: boolean;
}

/**
 * The failure in words that name server, bucket and key, as the class that says what is done about it: ServerUnreachableError,
 * StoreFailedError and StoreRefusedError are for the user of a command, and waited for in a campaign; BadInputError is for what the store
 * has not got, which no waiting brings; anything else is a mistake of ours.
 */
export function explainS3Failure(error: unknown, { endpoint, location, key, isConditional = false }: S3Request): Error {
  const reason = reasonOf(error);
  if (UNREACHABLE.has(reason)) {
    return new ServerUnreachableError(
      `the S3 server at ${endpoint} does not answer (${reason}); start it with "seal up" or set S3_ENDPOINT`,
      { cause: error },
    );
  }
  if (reason === 'untrusted') {
    // Waited for as a silent server is: certificates expire in the middle of a campaign, and are renewed.
    return new ServerUnreachableError(
      `the S3 server at ${endpoint} is not trusted: ${messageOf(error).replace(/^AWS SDK error wrapper for \w+( \[\w+\])?: /, '').trim()}; AWS_CA_BUNDLE or NODE_EXTRA_CA_CERTS names authorities of your own`,
      { cause: error },
    );
  }
  const status = httpStatus(error);
  if (UNIMPLEMENTED.has(reason) || UNIMPLEMENTED_STATUS.includes(status)) {
    const [where, expected] = isConditional ? [location, CONDITIONAL_WRITES] : [`${key} in ${location}`, 'a store that can do this'];
    return new BadInputError({ where, expected, got: `${status} ${reason}: ${messageOf(error)}` }, { cause: error });
  }
  if (FAILED.has(reason) || status === TOO_MANY_REQUESTS || (status !== undefined && status >= 500)) {
    return new StoreFailedError(`${key} in ${location}: the store could not do it: ${reason}${status === undefined ? '' : ` (${status})`}: ${messageOf(error)}`, { cause: error });
  }
  if (isRefusal(error)) {
    const expected = `AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or another usual AWS source) that ${EXPIRED.has(reason) ? 'have not expired' : 'may use it'}`;
    return new StoreRefusedError(`S3 credentials for ${location}: expected ${expected}, got ${reason} for ${key}: ${messageOf(error)}`, { cause: error });
  }
  return new Error(`${key} in ${location}: ${reason}: ${messageOf(error)}`, {
    cause: error,
  });
}

/** Whether other credentials, or the same after a change of a policy, may be let in. */
export function isRefusal(error: unknown): boolean {
  return REFUSED.has(reasonOf(error)) || (httpStatus(error) === FORBIDDEN && !CLOCK_SKEW.has(reasonOf(error)));
}

/**
 * Whether a request was refused because of its time, or for a reason that the answer to a HEAD cannot say. The SDK has noted the server's
 * clock by then, so that the same request may pass.
 */
export function mayBeClockSkew(error: unknown): boolean {
  const reason = reasonOf(error);
  return CLOCK_SKEW.has(reason) || (httpStatus(error) === FORBIDDEN && UNEXPLAINED.has(reason));
}

/** Whether a request was refused without a word. */
export function isUnexplained(error: unknown): boolean {
  return UNEXPLAINED.has(reasonOf(error)) && [BAD_REQUEST, FORBIDDEN].includes(httpStatus(error) ?? 0);
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

function messageOf(error: unknown): string {
  return (error as Partial<Error>).message ?? String(error);
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
  const unreachable = [...UNREACHABLE].find((known) => message?.includes(` ${known} `));
  if (unreachable !== undefined) return unreachable;
  // A service's own answer may speak of certificates too.
  if (!(error instanceof S3ServiceException) && [code, message].some((text) => text !== undefined && UNTRUSTED.test(text))) return 'untrusted';
  return name ?? 'unknown failure';
}
