import { currentWork } from './current-work';
import type { SealMeter } from './meter';

/** For the store's observed client: each request measured, and traced under the work that asks for it. */
export function observeStore(meter: SealMeter): (operation: string) => (error?: unknown) => void {
  return (operation) => {
    const span = currentWork()?.span?.child(`store ${operation}`, { 'seal.operation': operation });
    const startedMs = performance.now();
    return (error) => {
      meter.record('storeSeconds', (performance.now() - startedMs) / 1000, { operation, outcome: error === undefined ? 'done' : 'failed' });
      span?.end(error);
    };
  };
}
