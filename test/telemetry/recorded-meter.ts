import { type MetricMeter, type MetricTags, noopMetricMeter } from '@temporalio/common';

export interface Recorded {
  readonly name: string;
  readonly unit: string | undefined;
  readonly value: number;
  readonly tags: MetricTags | undefined;
}

/** A meter that keeps what is recorded. */
export function recordedMeter(): { readonly meter: MetricMeter; readonly recorded: Recorded[] } {
  const recorded: Recorded[] = [];
  const keep = (name: string, unit: string | undefined) => (value: number, tags?: MetricTags) => void recorded.push({ name, unit, value, tags });
  const meter: MetricMeter = {
    ...noopMetricMeter,
    createCounter: (name, unit, meaning) => ({ ...noopMetricMeter.createCounter(name, unit, meaning), add: keep(name, unit) }),
    createHistogram: (name, type, unit, meaning) => ({ ...noopMetricMeter.createHistogram(name, type, unit, meaning), record: keep(name, unit) }),
    createGauge: (name, type, unit, meaning) => ({ ...noopMetricMeter.createGauge(name, type, unit, meaning), set: keep(name, unit) }),
    withTags: () => meter,
  };
  return { meter, recorded };
}
