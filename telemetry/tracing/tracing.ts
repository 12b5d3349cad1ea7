import { randomBytes } from 'node:crypto';
import type { Headers } from '@temporalio/common';
import type { InjectedSinks } from '@temporalio/worker';
import { readTraceHeader, type SpanIdentity } from '../in-workflow/trace-header';
import type { TraceSinks } from '../in-workflow/workflow-spans';
import { describeError } from '../log-line';
import { idsOfWorkflow, type WorkIds } from '../work-ids';
import type { ActivityTracer, WorkSpan } from '../work-span';
import type { SpanExport } from './span-export';

/** Spans of one process: those of activities and what they do, and the ends of workflows that it was there for. */
export class Tracing implements ActivityTracer {
  constructor(private readonly spans: SpanExport) {}

  /** Registered for the workflows' interceptors. A replay ends nothing anew. */
  sinks(): InjectedSinks<TraceSinks> {
    return {
      sealTraces: {
        ended: {
          callDuringReplay: false,
          fn: (_info, { workflowType, workflowId, runId, ...span }) => {
            const attributes = attributesOf({ ...idsOfWorkflow(workflowId), runId });
            this.spans.send({ ...span, name: workflowType.replace(/Workflow$/, ''), attributes });
          },
        },
      },
    };
  }

  activitySpan(ids: WorkIds, headers: Headers): WorkSpan {
    return this.begin(`activity ${ids.activity ?? 'unknown'}`, attributesOf(ids), readTraceHeader(headers));
  }

  begin(name: string, attributes: Readonly<Record<string, string | number>>, parent: SpanIdentity | null): OpenSpan {
    return new OpenSpan(this.spans, name, attributes, { traceId: parent?.traceId ?? hex(16), spanId: hex(8) }, parent);
  }

  /** @param patienceMs how long the collector may take for what waits. @default 5000 */
  close(patienceMs = 5_000): Promise<void> {
    return this.spans.close(patienceMs);
  }
}

/** A span that has not ended. */
export class OpenSpan implements WorkSpan {
  readonly #startMs = Date.now();
  readonly #startedMs = performance.now();

  constructor(
    private readonly spans: SpanExport,
    private readonly name: string,
    private readonly attributes: Readonly<Record<string, string | number>>,
    readonly identity: SpanIdentity,
    private readonly parent: SpanIdentity | null,
  ) {}

  child(name: string, attributes: Readonly<Record<string, string | number>> = {}): WorkSpan {
    return new OpenSpan(this.spans, name, attributes, { traceId: this.identity.traceId, spanId: hex(8) }, this.identity);
  }

  end(error?: unknown): void {
    this.spans.send({
      ...this.identity,
      parentSpanId: this.parent?.spanId ?? null,
      name: this.name,
      startMs: this.#startMs,
      endMs: this.#startMs + performance.now() - this.#startedMs,
      attributes: this.attributes,
      failedWith: error === undefined ? null : describeError(error).type,
    });
  }
}

const ATTRIBUTES: Readonly<Record<keyof WorkIds, string>> = {
  campaignId: 'seal.campaign',
  epoch: 'seal.epoch',
  contextId: 'seal.context',
  candidate: 'seal.candidate',
  method: 'seal.method',
  activity: 'seal.activity',
  attempt: 'seal.attempt',
  workflowId: 'temporal.workflow_id',
  runId: 'temporal.run_id',
};

export function attributesOf(ids: WorkIds): Record<string, string | number> {
  const attributes: Record<string, string | number> = {};
  for (const [key, name] of Object.entries(ATTRIBUTES) as [keyof WorkIds, string][]) {
    const value = ids[key];
    if (value !== undefined) attributes[name] = value;
  }
  return attributes;
}

function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
