import { SingleBar } from 'cli-progress';
import { duration } from './duration';

/** Short work stays quiet on a terminal, and longer work elsewhere. */
const QUIET_ON_TERMINAL_MS = 2000;
const SPARSE_MS = 10_000;

/** Progress with the time that is left: a bar on a terminal, elsewhere a line every ten seconds. */
export interface ProgressLine {
  update(done: number, total: number, unit: string): void;
  stop(): void;
}

/** @param log prints a line where stderr is no terminal */
export function startProgressLine(task: string, log: (line: string) => void): ProgressLine {
  return process.stderr.isTTY ? barLine(task) : sparseLine(task, log);
}

function barLine(task: string): ProgressLine {
  const startedMs = performance.now();
  let bar: SingleBar | undefined;
  return {
    update(done, total, unit) {
      if (bar === undefined) {
        if (performance.now() - startedMs < QUIET_ON_TERMINAL_MS) return;
        bar = new SingleBar({
          stream: process.stderr,
          format: `${task} [{bar}] {percentage}% | {value}/{total} {unit} | {eta_formatted} left`,
          barsize: 24,
          hideCursor: true,
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

function sparseLine(task: string, log: (line: string) => void): ProgressLine {
  const startedMs = performance.now();
  let lastMs = startedMs;
  return {
    update(done, total, unit) {
      const nowMs = performance.now();
      if (nowMs - lastMs < SPARSE_MS) return;
      lastMs = nowMs;
      const left = done === 0 ? '' : `, about ${duration(((nowMs - startedMs) / 1000 / done) * (total - done))} left`;
      log(`${task}: ${done}/${total} ${unit}${left}`);
    },
    stop() {
      // Lines need no tidying.
    },
  };
}
