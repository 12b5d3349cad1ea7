import { type MetricMeter, type MetricTags, noopMetricMeter } from '@temporalio/common';
import { METRICS, type MetricDefinition, type MetricKey, SDK_BOUNDS } from '../campaign/metrics';

type KeysOf<Kind extends MetricDefinition['kind']> = { [Key in MetricKey]: (typeof METRICS)[Key]['kind'] extends Kind ? Key : never }[MetricKey];

const SECONDS = '_seconds';

/** The SDK puts the unit behind the name by itself. */
export function sdkNameOf({ name }: MetricDefinition): { readonly name: string; readonly unit?: string } {
  return name.endsWith(SECONDS) ? { name: name.slice(0, -SECONDS.length), unit: 'seconds' } : { name };
}

/** Records by the table in campaign/metrics.ts, over the SDK's own meter, so that one endpoint has them all. */
export class SealMeter {
  readonly #meter: MetricMeter;
  readonly #recorders = new Map<MetricKey, (value: number, tags: MetricTags) => void>();

  constructor(meter: MetricMeter = noopMetricMeter) {
    this.#meter = meter;
  }

  add(key: KeysOf<'counter'>, value: number, tags: MetricTags = {}): void {
    this.#recorder(key)(value, tags);
  }

  record(key: KeysOf<'histogram'>, value: number, tags: MetricTags = {}): void {
    this.#recorder(key)(value, tags);
  }

  set(key: KeysOf<'gauge'>, value: number, tags: MetricTags = {}): void {
    this.#recorder(key)(value, tags);
  }

  #recorder(key: MetricKey): (value: number, tags: MetricTags) => void {
    const known = this.#recorders.get(key);
    if (known !== undefined) return known;
    const made = this.#make(METRICS[key]);
    this.#recorders.set(key, made);
    return made;
  }

  #make(definition: MetricDefinition): (value: number, tags: MetricTags) => void {
    const { name, unit } = sdkNameOf(definition);
    const { kind, meaning } = definition;
    if (kind === 'counter') {
      const counter = this.#meter.createCounter(name, unit, meaning);
      return (value, tags) => counter.add(value, tags);
    }
    if (kind === 'gauge') {
      const gauge = this.#meter.createGauge(name, 'int', unit, meaning);
      return (value, tags) => gauge.set(value, tags);
    }
    const histogram = this.#meter.createHistogram(name, 'float', unit, meaning);
    return (value, tags) => histogram.record(value, tags);
  }
}

/** Buckets that suit what is measured, for the SDK's exporter. */
export function histogramBounds(): Record<string, number[]> {
  const bounds: Record<string, number[]> = {};
  for (const metric of Object.values(METRICS) as readonly MetricDefinition[]) if (metric.bounds !== undefined) bounds[sdkNameOf(metric).name] = [...metric.bounds];
  for (const [name, ofSdk] of Object.entries(SDK_BOUNDS)) bounds[name] = [...ofSdk];
  return bounds;
}
