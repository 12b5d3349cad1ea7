import { requireUnbuilt } from './package-root';

interface ProcessLock {
  withLock: <T>(file: string, work: () => Promise<T>, onWait?: () => void) => Promise<T>;
}

/** Runs `work` while no other process runs work under the same lock file; a dead owner's lock is taken over. */
export const { withLock } = requireUnbuilt('infra/bootstrap/process-lock.cjs') as ProcessLock;
