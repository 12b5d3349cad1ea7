import { condition } from '@temporalio/workflow';
import type { Steering } from './messages';

/**
 * Runs groups of tasks in order, as many tasks at once as the window admits. A group enters whole: its members share one
 * computation, so half a group would only wait for itself. A window smaller than a group admits one group at a time.
 *
 * The first failure stops admission; it is thrown once everything that was started has ended.
 *
 * @param steering read before each admission, so that pausing and another window take effect at once
 */
export async function runInWindow<Task>(
  groups: readonly (readonly Task[])[],
  steering: () => Steering,
  run: (task: Task) => Promise<void>,
): Promise<void> {
  let running = 0;
  const failures: unknown[] = [];
  const started: Promise<void>[] = [];
  const track = async (task: Task): Promise<void> => {
    running += 1;
    try {
      await run(task);
    } catch (error) {
      failures.push(error);
    } finally {
      running -= 1;
    }
  };
  const admits = (size: number): boolean => {
    const { paused, candidates } = steering();
    return !paused && (running === 0 || running + size <= candidates);
  };
  try {
    for (const group of groups) {
      await condition(() => failures.length > 0 || admits(group.length));
      if (failures.length > 0) break;
      started.push(...group.map(track));
    }
  } catch (error) {
    failures.unshift(error);
  }
  await Promise.all(started);
  if (failures.length > 0) throw failures[0];
}

/** Numbers 0..count-1 cut into groups of `size` by position. */
export function fixedGroups(count: number, size: number): { readonly from: number; readonly to: number }[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => ({ from: i * size, to: Math.min((i + 1) * size, count) }));
}
