import { setMaxListeners } from 'node:events';

/**
 * Runs all works at once and answers in their order. The first failure aborts the others; it is thrown once all have ended,
 * so that nothing is left running behind a failed activity.
 */
export async function askAll<Result>(
  signal: AbortSignal,
  works: readonly ((signal: AbortSignal) => Promise<Result>)[],
): Promise<Result[]> {
  const others = new AbortController();
  const joined = AbortSignal.any([signal, others.signal]);
  // Every work waits on it.
  setMaxListeners(0, joined);
  const failures: unknown[] = [];
  const results = await Promise.all(
    works.map(async (work) => {
      try {
        return [await work(joined)];
      } catch (error) {
        failures.push(error);
        others.abort();
        return [];
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
  return results.flat();
}
