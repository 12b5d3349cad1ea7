import { BadInputError } from '../../contracts/errors';
import type { Tracing } from './tracing';

const VARIABLES = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const;

/**
 * Whether the environment names a collector of traces.
 *
 * @throws BadInputError where what it names is no HTTP address
 */
export function isTraced(env: NodeJS.ProcessEnv): boolean {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true') return false;
  const variable = VARIABLES.find((name) => (env[name] ?? '') !== '');
  if (variable === undefined) return false;
  const endpoint = env[variable] ?? '';
  if (URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol)) return true;
  throw new BadInputError({ where: variable, expected: 'an http or https address of a collector (OTLP over HTTP)', got: JSON.stringify(endpoint) });
}

/** Tells of trouble with the collector once in this time. */
const QUIET_MS = 60_000;

/**
 * Tracing to the collector that the environment names. Nothing of OpenTelemetry is loaded before.
 *
 * @param serviceName unless `OTEL_SERVICE_NAME` says another
 * @param warn told that the collector does not take spans, once a minute
 */
export async function openTracing(serviceName: string, env: NodeJS.ProcessEnv, warn: (reason: string) => void): Promise<Tracing> {
  const [{ SpanExport }, { Tracing: Opened }] = await Promise.all([import('./span-export.js'), import('./tracing.js')]);
  let toldMs = -Infinity;
  return new Opened(
    new SpanExport(env['OTEL_SERVICE_NAME'] || serviceName, (reason) => {
      if (performance.now() - toldMs < QUIET_MS) return;
      toldMs = performance.now();
      warn(reason);
    }),
  );
}
