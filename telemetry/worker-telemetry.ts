import { Runtime, type WorkerOptions } from '@temporalio/worker';
import { BadInputError } from '../campaign/errors';
import { addressText, type ListenAddress } from '../settings/listen-address';
import type { TelemetrySettings } from '../settings/telemetry';
import { activityInterceptor } from './activity-interceptor';
import { Log } from './log';
import { histogramBounds, SealMeter } from './meter';
import { openTracing } from './tracing/open-tracing';

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
export async function installTelemetry({ level, metrics, tracing: traced }: Pick<TelemetrySettings, 'level' | 'metrics' | 'tracing'>): Promise<WorkerTelemetry> {
  const log = new Log(level);
  installRuntime(log, metrics);
  const meter = new SealMeter(Runtime.instance().metricMeter);
  const warn = (reason: string): void => log.warn('the collector does not take spans; those are lost', { reason });
  const tracing = traced === null ? null : await openTracing('seal-worker', traced, warn);
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
