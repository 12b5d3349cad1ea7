/** Which trace and span work belongs to, as it travels in the headers of Temporal's commands: W3C Trace Context under the name that the SDKs use. */
import { defaultPayloadConverter, type Headers } from '@temporalio/common';

const HEADER = '_tracer-data';

export interface SpanIdentity {
  /** 32 hex digits. */
  readonly traceId: string;
  /** 16 hex digits. */
  readonly spanId: string;
}

export function withTraceHeader(headers: Headers, { traceId, spanId }: SpanIdentity): Headers {
  return { ...headers, [HEADER]: defaultPayloadConverter.toPayload({ traceparent: `00-${traceId}-${spanId}-01` }) };
}

/** Null where there is none, or another's that cannot be read: what it belongs to is then not known. */
export function readTraceHeader(headers: Headers): SpanIdentity | null {
  const payload = headers[HEADER];
  if (payload === undefined) return null;
  const carrier = defaultPayloadConverter.fromPayload<{ readonly traceparent?: unknown } | null>(payload);
  const [, traceId, spanId] = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(String(carrier?.traceparent)) ?? [];
  return traceId === undefined || spanId === undefined ? null : { traceId, spanId };
}
