import { type Attributes, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from '@opentelemetry/sdk-trace';
import type { SpanIdentity } from '../in-workflow/trace-header';

/** Spans that wait for the collector; what comes beyond that is dropped. */
const MAX_WAITING = 20_000;
const BATCH = 512;

export interface FinishedSpan extends SpanIdentity {
  readonly parentSpanId: string | null;
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly attributes: Attributes;
  /** Null: all went well. */
  readonly failedWith: string | null;
}

/**
 * Sends finished spans to a collector by OTLP over HTTP, in the background: `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_HEADERS` and the
 * other variables of OpenTelemetry's exporter apply.
 *
 * Spans are made whole, once they have ended, since a campaign's spans begin in one process and end in another.
 */
export class SpanExport {
  readonly #processor: BatchSpanProcessor;
  readonly #resource;
  readonly #scope = { name: 'seal' };

  /** @param onFailure told what kept a batch from being taken */
  constructor(serviceName: string, onFailure: (reason: string) => void, exporter: SpanExporter = new OTLPTraceExporter()) {
    this.#resource = resourceFromAttributes({ 'service.name': serviceName });
    this.#processor = new BatchSpanProcessor({ exporter: reporting(exporter, onFailure), maxQueueSize: MAX_WAITING, maxExportBatchSize: BATCH });
  }

  send(span: FinishedSpan): void {
    this.#processor.onEnd(this.#readable(span));
  }

  /** Sends what waits, as far as the collector takes it within the time, and ends. */
  async close(patienceMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const impatience = new Promise<void>((resolve) => (timer = setTimeout(resolve, patienceMs)));
    // What was not taken has been told of.
    const sent = this.#processor.shutdown().catch(() => undefined);
    await Promise.race([sent, impatience]);
    clearTimeout(timer);
  }

  #readable({ traceId, spanId, parentSpanId, name, startMs, endMs, attributes, failedWith }: FinishedSpan): ReadableSpan {
    const context = (id: string) => ({ traceId, spanId: id, traceFlags: TraceFlags.SAMPLED });
    return {
      name,
      kind: SpanKind.INTERNAL,
      spanContext: () => context(spanId),
      ...(parentSpanId === null ? {} : { parentSpanContext: context(parentSpanId) }),
      startTime: highResolution(startMs),
      endTime: highResolution(endMs),
      duration: highResolution(endMs - startMs),
      status: failedWith === null ? { code: SpanStatusCode.OK } : { code: SpanStatusCode.ERROR, message: failedWith },
      attributes,
      links: [],
      events: [],
      ended: true,
      resource: this.#resource,
      instrumentationScope: this.#scope,
      droppedAttributesCount: 0,
      droppedEventsCount: 0,
      droppedLinksCount: 0,
    };
  }
}

/** Seconds and nanoseconds. */
function highResolution(milliseconds: number): [number, number] {
  const seconds = Math.floor(milliseconds / 1000);
  return [seconds, Math.round((milliseconds - seconds * 1000) * 1e6)];
}

function reporting(exporter: SpanExporter, onFailure: (reason: string) => void): SpanExporter {
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.error !== undefined) onFailure((result.error as NodeJS.ErrnoException).code?.toString() ?? result.error.name);
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
  };
}
