import type { ClientInterceptors } from '@temporalio/client';
import type { TracingSettings } from '../../settings/telemetry';
import { withTraceHeader } from '../in-workflow/trace-header';
import { idsOfWorkflow } from '../work-ids';
import { openTracing } from './open-tracing';

/** A start must not wait for a collector that does not answer. */
const PATIENCE_MS = 2_000;

/**
 * Begins a campaign's trace where it is started: the workflow's span becomes a child of the start's. Without a collector
 * nothing is intercepted.
 *
 * @param warn told that the collector does not take spans
 */
export function startTracing(settings: TracingSettings | null, warn: (reason: string) => void): ClientInterceptors {
  if (settings === null) return {};
  return {
    workflow: [
      {
        async startWithDetails(input, next) {
          const tracing = await openTracing('seal-cli', settings, warn);
          const { attributesOf } = await import('./tracing.js');
          const span = tracing.begin('start', attributesOf(idsOfWorkflow(input.options.workflowId)), null);
          try {
            const started = await next({ ...input, headers: withTraceHeader(input.headers, span.identity) });
            span.end();
            return started;
          } catch (error) {
            span.end(error);
            throw error;
          } finally {
            await tracing.close(PATIENCE_MS);
          }
        },
      },
    ],
  };
}
