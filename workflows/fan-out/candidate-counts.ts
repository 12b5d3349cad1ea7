import { metricMeter } from '@temporalio/workflow';
import { METRICS } from '../../campaign/metrics';

/** Counted once, however often the history is replayed. */
export function countStartedCandidate(): void {
  const { name, meaning } = METRICS.candidatesStarted;
  metricMeter.createCounter(name, undefined, meaning).add(1);
}

export function countFinishedCandidate(status: 'scored' | 'rejected' | 'failed' | 'cancelled'): void {
  const { name, meaning } = METRICS.candidatesFinished;
  metricMeter.createCounter(name, undefined, meaning).add(1, { status });
}
