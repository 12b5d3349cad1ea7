import { requireUnbuilt } from './package-root';

interface ProcessLock {
  withLock: <T>(file: string, work: () => Promise<T>, onWait?: () => void) => Promise<T>;
  ownerOf: (file: string) => { readonly pid: number | null; readonly isRunning: boolean } | null;
}

const processLock = requireUnbuilt('infra/bootstrap/process-lock.cjs') as ProcessLock;

/** Runs `work` while no other process runs work under the same lock file; one that is dead or not named holds none. */
export const { withLock } = processLock;

/** Who holds a lock; null where there is none, `pid: null` for one that names nobody. */
export const { ownerOf } = processLock;
