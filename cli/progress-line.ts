import { SingleBar } from 'cli-progress';

const QUIET_MS = 2000;
const SPARSE_MS = 10_000;

/** Progress on stderr, with the time that is left: a bar on a terminal, a line every ten seconds elsewhere. */
export interface ProgressLine {
  update(done: number, total: number, unit: string): void;
  stop(): void;
}

/** Nothing is printed in the first two seconds, so that short work stays quiet. */
export function startProgressLine(task: string): ProgressLine {
  const startedMs = performance.now();
  let bar: SingleBar | undefined;
  return {
    update(done, total, unit) {
      if (bar === undefined) {
        if (performance.now() - startedMs < QUIET_MS) return;
        bar = new SingleBar({
          stream: process.stderr,
          format: `${task} [{bar}] {percentage}% | {value}/{total} {unit} | {eta_formatted} left`,
          barsize: 24,
          hideCursor: true,
          noTTYOutput: true,
          notTTYSchedule: SPARSE_MS,
          etaBuffer: 100,
          // Without this the bar takes the terminal's interrupt for itself.
          gracefulExit: false,
        });
        bar.start(total, done, { unit });
        return;
      }
      bar.setTotal(total);
      bar.update(done, { unit });
    },
    stop() {
      bar?.stop();
    },
  };
}
