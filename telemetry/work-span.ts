import type { Headers } from '@temporalio/common';
import type { WorkIds } from './work-ids';

/** A span under which further ones can be begun; how it is exported is tracing's business. */
export interface WorkSpan {
  /** Begins a child; `end` exports it. */
  child(name: string, attributes?: Readonly<Record<string, string | number>>): WorkSpan;
  end(error?: unknown): void;
}

export interface ActivityTracer {
  /** Begins an activity's span, under that of its workflow where its headers name one. */
  activitySpan(ids: WorkIds, headers: Headers): WorkSpan;
}
