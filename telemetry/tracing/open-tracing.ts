import type { TracingSettings } from '../../settings/telemetry';
import type { Tracing } from './tracing';

/** Tells of trouble with the collector once in this time. */
const QUIET_MS = 60_000;

/**
 * Tracing to the collector that the environment names to OpenTelemetry's exporter. Nothing of OpenTelemetry is loaded before.
 *
 * @param program whose spans they are, unless the settings say another
 * @param warn told that the collector does not take spans, once a minute
 */
export async function openTracing(program: string, { serviceName }: TracingSettings, warn: (reason: string) => void): Promise<Tracing> {
  const [{ SpanExport }, { Tracing: Opened }] = await Promise.all([import('./span-export.js'), import('./tracing.js')]);
  let toldMs = -Infinity;
  return new Opened(
    new SpanExport(serviceName ?? program, (reason) => {
      if (performance.now() - toldMs < QUIET_MS) return;
      toldMs = performance.now();
      warn(reason);
    }),
  );
}
