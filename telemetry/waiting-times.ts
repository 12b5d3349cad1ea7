import { currentWork } from './current-work';

/** @returns to be called at each heartbeat of the activity that runs; measures the time since the one before */
export function heartbeatGaps(): () => void {
  const work = currentWork();
  let lastMs = performance.now();
  return () => {
    const nowMs = performance.now();
    work?.meter.record('heartbeatGapSeconds', (nowMs - lastMs) / 1000, { activity: work.ids.activity ?? 'none' });
    lastMs = nowMs;
  };
}

/** @returns to be called when the language model is free for the work that waits for it */
export function computeWait(): () => void {
  const work = currentWork();
  const startedMs = performance.now();
  return () => work?.meter.record('computeWaitSeconds', (performance.now() - startedMs) / 1000);
}
