/**
 * Workflows as spans. The interceptors put a header on what a workflow starts and return the very promises that they were given, so
 * that commands and their order are the same with and without them: a campaign may be begun by a worker that traces, go on at one that
 * does not, and be replayed by an auditor (docs/adr/0023-sight.md).
 */
import { sha256 } from '@noble/hashes/sha256';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils';
import { ContinueAsNew, isCancellation, proxySinks, type Sinks, workflowInfo, type WorkflowInterceptorsFactory } from '@temporalio/workflow';
import { readTraceHeader, type SpanIdentity, withTraceHeader } from './trace-header';

/** One run of a workflow, from its start to its end. */
export interface EndedWorkflow extends SpanIdentity {
  readonly parentSpanId: string | null;
  readonly workflowType: string;
  readonly workflowId: string;
  readonly runId: string;
  readonly startMs: number;
  readonly endMs: number;
  /** Its error's type; null where it returned, or goes on as a new run. */
  readonly failedWith: string | null;
}

export interface TraceSinks extends Sinks {
  readonly sealTraces: { ended(workflow: EndedWorkflow): void };
}

const { sealTraces } = proxySinks<TraceSinks>();

export const interceptors: WorkflowInterceptorsFactory = () => {
  const { firstExecutionRunId, runId, workflowId, workflowType, runStartTime } = workflowInfo();
  let parent: SpanIdentity | null = null;
  /** The same at every replay, and on whichever worker the end comes. */
  const own = (): SpanIdentity => ({ traceId: parent?.traceId ?? digest('trace', firstExecutionRunId, 32), spanId: digest('span', runId, 16) });
  const ended = (failedWith: string | null): void =>
    sealTraces.ended({ ...own(), parentSpanId: parent?.spanId ?? null, workflowType, workflowId, runId, startMs: runStartTime.getTime(), endMs: Date.now(), failedWith });
  return {
    inbound: [
      {
        execute(input, next) {
          parent = readTraceHeader(input.headers);
          const running = next(input);
          running.then(
            () => ended(null),
            (error: unknown) => ended(error instanceof ContinueAsNew ? null : isCancellation(error) ? 'Cancelled' : typeOf(error)),
          );
          return running;
        },
      },
    ],
    outbound: [
      {
        scheduleActivity: (input, next) => next({ ...input, headers: withTraceHeader(input.headers, own()) }),
        scheduleLocalActivity: (input, next) => next({ ...input, headers: withTraceHeader(input.headers, own()) }),
        startChildWorkflowExecution: (input, next) => next({ ...input, headers: withTraceHeader(input.headers, own()) }),
        // The next run is no child of this one: both belong to whoever started the first.
        continueAsNew: (input, next) => next(parent === null ? input : { ...input, headers: withTraceHeader(input.headers, parent) }),
      },
    ],
  };
};

function digest(kind: string, text: string, digits: number): string {
  return bytesToHex(sha256(utf8ToBytes(`${kind} ${text}`))).slice(0, digits);
}

function typeOf(error: unknown): string {
  const { type, name } = error as { readonly type?: unknown; readonly name?: unknown };
  return typeof type === 'string' && type !== '' ? type : typeof name === 'string' ? name : 'Error';
}
