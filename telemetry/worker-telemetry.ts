import { Runtime, type WorkerOptions } from '@temporalio/worker';
import { BadInputError } from '../contracts/errors';
import { activityInterceptor } from './activity-interceptor';
import { addressText, type ListenAddress, readListenAddress } from './listen-address';
import { Log } from './log';
import { LOG_LEVELS, type LogLevel } from './log-line';
import { histogramBounds, SealMeter } from './meter';
import { isTraced, openTracing } from './tracing/open-tracing';

export interface TelemetrySettings {
  readonly level: LogLevel;
  /** Where metrics are scraped; null: nowhere. */
  readonly metrics: ListenAddress | null;
  /** Whether a collector of traces is named. */
  readonly traced: boolean;
}

/**
 * Reads `SEAL_LOG_LEVEL` (default INFO), `SEAL_METRICS_ADDRESS` (default none) and OpenTelemetry's own variables (default no traces).
 *
 * @throws BadInputError naming the variable
 */
export function readTelemetrySettings(env: NodeJS.ProcessEnv): TelemetrySettings {
  const named = env['SEAL_LOG_LEVEL'] || 'INFO';
  const level = LOG_LEVELS.find((name) => name === named.toUpperCase());
  if (level === undefined) throw new BadInputError({ where: 'SEAL_LOG_LEVEL', expected: `one of ${LOG_LEVELS.join(', ')}`, got: JSON.stringify(named) });
  return { level, metrics: readListenAddress(env, 'SEAL_METRICS_ADDRESS'), traced: isTraced(env) };
}

/** What of a worker process can be seen from outside. */
export interface WorkerTelemetry {
  readonly log: Log;
  readonly meter: SealMeter;
  /** For the workers: their activities are seen, and what their traced workflows tell is taken. */
  readonly workerOptions: Pick<WorkerOptions, 'interceptors' | 'sinks'>;
  /** Sends what still waits to be sent. */
  close(): Promise<void>;
}

/**
 * Installs the SDK's runtime with this process's log and metrics; once a process, before anything connects.
 *
 * @throws BadInputError where the address of the metrics is taken or not this machine's
 */
export async function installTelemetry({ level, metrics, traced }: TelemetrySettings, env: NodeJS.ProcessEnv): Promise<WorkerTelemetry> {
  const log = new Log(level);
  installRuntime(log, metrics);
  const meter = new SealMeter(Runtime.instance().metricMeter);
  const warn = (reason: string): void => log.warn('the collector does not take spans; those are lost', { reason });
  const tracing = traced ? await openTracing('seal-worker', env, warn) : null;
  return {
    log,
    meter,
    workerOptions: { interceptors: { activity: [activityInterceptor(meter, log, tracing)] }, ...(tracing === null ? {} : { sinks: tracing.sinks() }) },
    close: async () => tracing?.close(),
  };
}

function installRuntime(log: Log, metrics: ListenAddress | null): void {
  try {
    Runtime.install({
      logger: log.sdkLogger(),
      telemetryOptions: {
        // The SDK's native part would write lines of its own to standard output.
        logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
        ...(metrics === null ? {} : { metrics: { prometheus: prometheusOptions(metrics) } }),
      },
      // Signals are the program's: it stops the workers, then the language model.
      shutdownSignals: [],
    });
  } catch (cause) {
    if (metrics === null || !(cause instanceof Error) || !/metrics exporter/.test(cause.message)) throw cause;
    const got = `${addressText(metrics)} (${cause.message.replace(/^.*exporter: /, '')})`;
    throw new BadInputError({ where: 'SEAL_METRICS_ADDRESS', expected: 'an address of this machine that is free', got }, { cause });
  }
}

function prometheusOptions(address: ListenAddress) {
  return {
    bindAddress: addressText(address),
    countersTotalSuffix: true,
    unitSuffix: true,
    useSecondsForDurations: true,
    histogramBucketOverrides: histogramBounds(),
  };
}
