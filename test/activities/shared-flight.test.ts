import { SharedFlights } from '../../activities/execution/shared-flight';
import { ComputeCancelledError } from '../../contracts/errors';

const onProgress = (): void => undefined;

/** Work that ends when it is aborted, after a while in which it tidies up. */
function work(): { readonly started: () => number; readonly tidied: () => boolean; readonly run: (signal: AbortSignal) => Promise<string> } {
  let [started, tidied] = [0, false];
  const run = async (signal: AbortSignal): Promise<string> => {
    started += 1;
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    await new Promise((resolve) => setTimeout(resolve, 30));
    tidied = true;
    throw new ComputeCancelledError('aborted');
  };
  return { started: () => started, tidied: () => tidied, run };
}

test('whoever is cancelled leaves at once while others are aboard; the last one once the work has tidied up', async () => {
  const flights = new SharedFlights();
  const { started, tidied, run } = work();
  const [first, last] = [new AbortController(), new AbortController()];
  const [one, other] = [first, last].map(({ signal }) => flights.join('group', { signal, onProgress }, run));
  first.abort();
  await expect(one).rejects.toThrow(ComputeCancelledError);
  expect([flights.underWay('group'), tidied()]).toEqual([true, false]);
  last.abort();
  await expect(other).rejects.toThrow(ComputeCancelledError);
  expect([flights.underWay('group'), tidied(), started()]).toEqual([false, true, 1]);
});

test('whoever comes while work is being aborted begins it anew', async () => {
  const flights = new SharedFlights();
  const { started, run } = work();
  const cancelled = new AbortController();
  const first = flights.join('group', { signal: cancelled.signal, onProgress }, run);
  cancelled.abort();
  await new Promise((resolve) => setImmediate(resolve));
  const second = flights.join('group', { signal: new AbortController().signal, onProgress }, () => Promise.resolve('done'));
  await expect(first).rejects.toThrow(ComputeCancelledError);
  expect(await second).toBe('done');
  expect(started()).toBe(1);
});
