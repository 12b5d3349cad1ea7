import type { PlannedKill } from './schedule';

/** A kill as it happened. Times are seconds. */
export interface KillRecord {
  readonly target: PlannedKill['target'];
  /** What exactly was killed, in words. */
  readonly victim: string;
  /** From the start of its stack. */
  readonly atSeconds: number;
  /** Until another process served in its place. */
  readonly downSeconds: number;
  /**
   * Until the campaign went on: the first piece of work (a manifest) that was finished after another process served in its place. Of a
   * first start: until the stack was up.
   */
  readonly recoverySeconds: number;
  /** Who saw to it that it came back. */
  readonly restartedBy: 'itself' | 'seal up';
}
