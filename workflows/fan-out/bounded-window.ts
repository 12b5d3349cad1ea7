import { condition } from '@temporalio/workflow';
import type { Steering } from '../messages';

export interface WindowedWork<Task> {
  /** Started in this order. */
  readonly tasks: readonly Task[];
  /** Places that a task takes. @default 1 */
  readonly sizeOf?: (task: Task) => number;
  /** Started by an earlier run: they take their places without asking. @default none */
  readonly underWay?: readonly Task[];
  /** Read before each admission, so that pausing and another window take effect at once. */
  readonly steering: () => Steering;
  readonly run: (task: Task) => Promise<void>;
  /** Once it holds nothing more is started. @default never */
  readonly isOver?: () => boolean;
  /** Told of everything that is started; what then runs when `isOver` comes to hold is left running. @default all is waited for */
  readonly onStarted?: (running: Promise<void>) => void;
}

/**
 * Runs tasks in order, as many at once as the window has places. A window smaller than a task admits one task at a time.
 *
 * The first failure stops admission; it is thrown once everything that was started has ended.
 *
 * @returns tasks that were not started because `isOver` came to hold
 */
export async function runInWindow<Task>(work: WindowedWork<Task>): Promise<readonly Task[]> {
  const { tasks, sizeOf = () => 1, underWay = [], steering, run, isOver = () => false, onStarted } = work;
  let places = 0;
  const failures: unknown[] = [];
  const track = async (task: Task): Promise<void> => {
    places += sizeOf(task);
    try {
      await run(task);
    } catch (error) {
      failures.push(error);
    } finally {
      places -= sizeOf(task);
    }
  };
  const admits = (size: number): boolean => {
    const { paused, candidates } = steering();
    return !paused && (places === 0 || places + size <= candidates);
  };
  const started: Promise<void>[] = [];
  const start = (task: Task): void => {
    const running = track(task);
    started.push(running);
    onStarted?.(running);
  };
  underWay.forEach(start);
  let rest: readonly Task[] = [];
  try {
    for (const [i, task] of tasks.entries()) {
      await condition(() => failures.length > 0 || isOver() || admits(sizeOf(task)));
      if (failures.length > 0) break;
      if (isOver()) {
        rest = tasks.slice(i);
        break;
      }
      start(task);
    }
  } catch (error) {
    failures.unshift(error);
  }
  if (rest.length === 0 || onStarted === undefined) await Promise.all(started);
  if (failures.length > 0) throw failures[0];
  return rest;
}
