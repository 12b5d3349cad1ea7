import { setTimeout as sleep } from 'node:timers/promises';
import { ApplicationFailure } from '@temporalio/common';
import type { SlotReserveContext } from '@temporalio/worker';
import type { SealActivities } from '../../activities';
import { WorkIntake } from '../../workers/work-intake';

const context = {} as SlotReserveContext;
const TIMES = { pauseMs: 100, servingMs: 300, missedMs: 400 };
const unable = ApplicationFailure.retryable('/models/a: expected the model pinned at start, got no such directory', 'MachineUnableError');

let said: string[];
let intake: WorkIntake;
beforeEach(() => {
  said = [];
  intake = new WorkIntake((reason) => said.push(reason), TIMES);
});

/** Activities that end as they are told to. */
function observed(work: () => Promise<unknown>): SealActivities {
  return intake.observe({ fineTuneAdapters: work, writeReport: work } as unknown as SealActivities);
}

const fineTune = (work: () => Promise<unknown>): Promise<unknown> => observed(work).fineTuneAdapters({} as never).catch(() => undefined);

/** Whether a slot is there within so long. */
async function isTaken(reserving: Promise<unknown>, ms: number): Promise<boolean> {
  return Promise.race([reserving.then(() => true), sleep(ms, false)]);
}

test('a worker holds as many slots as it has, and the next when one is free again', async () => {
  const slots = intake.slots(2);
  const signal = new AbortController().signal;
  await slots.reserveSlot(context, signal);
  expect(slots.tryReserveSlot(context)).not.toBeNull();
  expect(slots.tryReserveSlot(context)).toBeNull();
  const third = slots.reserveSlot(context, signal);
  expect(await isTaken(third, 50)).toBe(false);
  slots.releaseSlot({ permit: {} });
  expect(await isTaken(third, 50)).toBe(true);
});

test('a worker that shuts down waits for no slot', async () => {
  const slots = intake.slots(0);
  const stop = new AbortController();
  const waiting = slots.reserveSlot(context, stop.signal);
  stop.abort(new Error('shut down'));
  await expect(waiting).rejects.toThrow('shut down');
});

test('a worker that lacks what work needs says so, takes none for a while, then tries one task, and more once it computes', async () => {
  const slots = intake.slots(2);
  await fineTune(() => Promise.reject(unable));
  await fineTune(() => Promise.reject(unable));
  expect(said).toEqual([unable.message]);
  expect(intake.check()).toEqual({ ok: false, detail: `missing for some work: ${unable.message}` });
  expect(slots.tryReserveSlot(context)).toBeNull();
  const waiting = slots.reserveSlot(context, new AbortController().signal);
  expect(await isTaken(waiting, 60)).toBe(false);
  expect(await isTaken(waiting, 200)).toBe(true);
  expect(slots.tryReserveSlot(context)).toBeNull();
  await fineTune(() => Promise.resolve());
  expect(slots.tryReserveSlot(context)).not.toBeNull();
  await sleep(TIMES.missedMs);
  expect(intake.check().ok).toBe(true);
});

test('a worker that lacks something for one campaign goes on taking work while it computes for another', async () => {
  const slots = intake.slots(5);
  let end = (): void => undefined;
  const other = fineTune(() => new Promise<void>((resolve) => (end = resolve)));
  await fineTune(() => Promise.reject(unable));
  expect(slots.tryReserveSlot(context)).not.toBeNull();
  end();
  await other;
  await fineTune(() => Promise.reject(unable));
  expect(slots.tryReserveSlot(context)).not.toBeNull();
  await sleep(TIMES.servingMs);
  // A document that it writes shows nothing.
  await observed(() => Promise.resolve(null)).writeReport({} as never);
  await fineTune(() => Promise.reject(unable));
  expect(slots.tryReserveSlot(context)).toBeNull();
});

test('failures of other kinds keep no worker from taking work', async () => {
  await fineTune(() => Promise.reject(ApplicationFailure.nonRetryable('a row is missing', 'BadInputError')));
  expect(intake.slots(1).tryReserveSlot(context)).not.toBeNull();
  expect(intake.check().ok).toBe(true);
});
