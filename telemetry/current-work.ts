import { AsyncLocalStorage } from 'node:async_hooks';
import type { SealMeter } from './meter';
import type { WorkSpan } from './work-span';
import type { WorkIds } from './work-ids';

/** What the code that runs now belongs to: set by the activity interceptor, and followed through everything it awaits. */
export interface CurrentWork {
  readonly ids: WorkIds;
  readonly meter: SealMeter;
  /** Absent without tracing. */
  readonly span?: WorkSpan;
}

const storage = new AsyncLocalStorage<CurrentWork>();

export function currentWork(): CurrentWork | undefined {
  return storage.getStore();
}

export function runAs<Result>(work: CurrentWork, run: () => Result): Result {
  return storage.run(work, run);
}
