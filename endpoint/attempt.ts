import { isNativeError } from 'node:util/types';
import type { EndpointAnswer, EndpointRequest, EndpointSettings, SentParameters } from '../campaign/endpoint';
import type { ApiKey } from './api-key';
import { BodyTooLargeError, boundedBody } from './bounded-body';
import { retryAfterMs } from './retry-after';
import { readAnswer, type ReadAnswer } from './answer';
import { serverMessage, shortLine } from './server-message';
import { type Dialect, parametersOf, type RefusedParameter, refusedParameter, requestBody, requestUrl } from './wire-format';

/** An error's page is read no further. */
const MAX_ERROR_BYTES = 64 * 2 ** 10;

/** What became of one request. `said`: one line, without the key. */
export type Attempt =
  | { readonly kind: 'answered'; readonly answer: EndpointAnswer }
  /** Worth another attempt, after `waitMs` where the server says so. */
  | { readonly kind: 'failed'; readonly said: string; readonly waitMs: number | null }
  /** Worth asking at once in another way, without this parameter. */
  | { readonly kind: 'unsupported'; readonly parameter: RefusedParameter; readonly said: string }
  /** No repetition helps. */
  | { readonly kind: 'refused'; readonly said: string; readonly isKeyRefused?: true };

const PARAMETER_REFUSED = [400, 422];
/** Statuses that pass: request timeout, conflict, too early, too many requests; and whatever the server blames itself for. */
const PASSING = [408, 409, 425, 429];

/**
 * Asks once. Answers for everything but the caller's own cancellation, which it throws.
 *
 * @param signal the caller's; the attempt's own time limit is added here
 */
export async function attempt(
  settings: EndpointSettings,
  key: ApiKey,
  request: EndpointRequest,
  dialect: Dialect,
  signal: AbortSignal,
  { nowMs, maximumBodyBytes }: { readonly nowMs: () => number; readonly maximumBodyBytes: number },
): Promise<Attempt> {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), settings.timeoutSeconds * 1000);
  const attempted: { status: number | null } = { status: null };
  const sent = parametersOf(request, dialect);
  try {
    const response = await fetch(requestUrl(settings), {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json', ...key.headers(settings.url) },
      body: requestBody(settings, request.prompt, sent),
      // A redirected POST would arrive as a GET, and its key elsewhere.
      redirect: 'manual',
      signal: AbortSignal.any([signal, timeout.signal]),
    });
    attempted.status = response.status;
    if (!response.ok) return await failure(response, key, sent, nowMs());
    const read = readAnswer(settings.protocol, await boundedBody(response, maximumBodyBytes));
    if (read.kind === 'none' || (read.isCutOff && request.isUsableCutOff?.(read.text) !== true)) {
      return { kind: 'failed', said: `${response.status} with ${noAnswer(read, request, key)}`, waitMs: null };
    }
    const { text, generatedTokens, isCutOff } = read;
    return { kind: 'answered', answer: { text: key.redact(text), generatedTokens, isCutOff, sent } };
  } catch (error) {
    if (signal.aborted) throw error;
    if (timeout.signal.aborted) return { kind: 'failed', said: `no complete answer within ${settings.timeoutSeconds} s`, waitMs: null };
    if (error instanceof BodyTooLargeError) return { kind: 'failed', said: `an answer of ${error.message}`, waitMs: null };
    if (!isFetchError(error)) throw error;
    return { kind: 'failed', said: key.redact(connectionFailure(error, attempted.status)), waitMs: null };
  } finally {
    clearTimeout(timer);
  }
}

/** Why there is no answer to use and, where a limit is the reason, which field raises it. */
function noAnswer(read: ReadAnswer, { maxNewTokens, limitField = 'the limit' }: EndpointRequest, key: ApiKey): string {
  const why = read.kind === 'text' ? 'a reply that was cut off' : read.why;
  const quote = read.kind === 'text' ? '' : shortLine(key.redact(read.quote ?? ''));
  const remedy = read.isCutOff ? ` by its limit of ${maxNewTokens} tokens; a model that reasons needs more: raise ${limitField}` : '';
  return `${why}${remedy}${quote === '' ? '' : `: ${quote}`}`;
}

async function failure(response: Response, key: ApiKey, sent: SentParameters, nowMs: number): Promise<Attempt> {
  const { status, statusText } = response;
  const line = `${status}${statusText === '' ? '' : ` ${statusText}`}`;
  if (status === 401 || status === 403) {
    await response.body?.cancel().catch(unread);
    // Servers quote parts of the key they refuse.
    return { kind: 'refused', isKeyRefused: true, said: key.redact(`${line}: the key is missing, wrong or not allowed to use this model`) };
  }
  if (status < 400) {
    await response.body?.cancel().catch(unread);
    return { kind: 'refused', said: key.redact(`${line}, a redirection to ${response.headers.get('location') ?? 'nowhere'}`) };
  }
  const body = await boundedBody(response, MAX_ERROR_BYTES).catch(unread);
  const message = shortLine(key.redact(serverMessage(body) ?? ''));
  const said = key.redact(line) + (message === '' ? '' : `: ${message}`);
  const parameter = PARAMETER_REFUSED.includes(status) ? refusedParameter(body, sent) : null;
  if (parameter !== null) return { kind: 'unsupported', parameter, said };
  if (status < 500 && !PASSING.includes(status)) return { kind: 'refused', said };
  return { kind: 'failed', said, waitMs: retryAfterMs(response.headers.get('retry-after'), nowMs) };
}

/** The status says enough: an error whose page is cut or endless is still that error. */
function unread(error: unknown): string {
  if (error instanceof BodyTooLargeError || isFetchError(error)) return '';
  throw error;
}

/** By name: what fetch throws may be of another realm, as its TypeError is under Jest. */
function isFetchError(error: unknown): error is Error {
  return isNativeError(error) && error.name === 'TypeError';
}

/** fetch says "fetch failed" or "terminated"; the reason is its cause. */
function connectionFailure(error: Error, status: number | null): string {
  const { cause } = error;
  const code = isNativeError(cause) ? ((cause as NodeJS.ErrnoException).code ?? cause.message) : error.message;
  return status === null ? `no connection (${code})` : `${status}, cut before its end (${code})`;
}
