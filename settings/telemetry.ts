import { BadInputError } from '../campaign/errors';
import { environment, variable } from './environment';
import { type ListenAddress, readListenAddress } from './listen-address';

export const LOG_LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What of a worker can be seen from outside. */
export interface TelemetrySettings {
  readonly level: LogLevel;
  /** Where metrics are scraped; null: nowhere. */
  readonly metrics: ListenAddress | null;
  /** Where health is asked for; null: nowhere. */
  readonly health: ListenAddress | null;
  readonly tracing: TracingSettings | null;
}

/** How traces are sent; OpenTelemetry reads the rest of its own variables. */
export interface TracingSettings {
  /** @default each program's own */
  readonly serviceName: string | null;
}

/**
 * Reads `SEAL_LOG_LEVEL` (default INFO), `SEAL_METRICS_ADDRESS` and `SEAL_HEALTH_ADDRESS` (default none), and as `tracingSettings`.
 *
 * @throws BadInputError naming the variable
 */
export function telemetrySettings(env: NodeJS.ProcessEnv = environment()): TelemetrySettings {
  const named = variable(env, 'SEAL_LOG_LEVEL') ?? 'INFO';
  const level = LOG_LEVELS.find((name) => name === named.toUpperCase());
  if (level === undefined) throw new BadInputError({ where: 'SEAL_LOG_LEVEL', expected: `one of ${LOG_LEVELS.join(', ')}`, got: JSON.stringify(named) });
  return { level, health: readListenAddress(env, 'SEAL_HEALTH_ADDRESS'), metrics: readListenAddress(env, 'SEAL_METRICS_ADDRESS'), tracing: tracingSettings(env) };
}

const COLLECTORS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const;

/**
 * Reads OpenTelemetry's own variables.
 *
 * @returns null where they name no collector of traces, or switch it off
 * @throws BadInputError where what they name is no HTTP address
 */
export function tracingSettings(env: NodeJS.ProcessEnv = environment()): TracingSettings | null {
  if (variable(env, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null;
  const collector = COLLECTORS.find((name) => variable(env, name) !== undefined);
  if (collector === undefined) return null;
  const endpoint = variable(env, collector)!;
  if (URL.canParse(endpoint) && /^https?:$/.test(new URL(endpoint).protocol)) return { serviceName: variable(env, 'OTEL_SERVICE_NAME') ?? null };
  throw new BadInputError({ where: collector, expected: 'an http or https address of a collector (OTLP over HTTP)', got: JSON.stringify(endpoint) });
}
