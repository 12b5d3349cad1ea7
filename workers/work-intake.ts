import { EventEmitter, once } from 'node:events';
import type { ActivitySlotInfo, CustomSlotSupplier } from '@temporalio/worker';
import type { SealActivities } from '../activities';
import { failureClassOf } from '../campaign/failures';
import type { HealthCheck } from '../telemetry/health-server';

export interface IntakeTimes {
  /** After work came that this machine cannot do, no more is taken for so long, and then one task at a time. */
  readonly pauseMs: number;
  /** But work is taken as always while something was computed within so long: a campaign that it can serve goes on. */
  readonly servingMs: number;
  /** What nobody missed for so long is there, or asked for no more: the server repeats such an attempt after a quarter of a minute at most. */
  readonly missedMs: number;
}

const TIMES: IntakeTimes = { pauseMs: 5_000, servingMs: 60_000, missedMs: 60_000 };

/** Activities that need a model, a key or a device: the others wait, or read and write documents. */
const COMPUTING: ReadonlySet<string> = new Set([
  'pinInputs',
  'proposeSelfEdits',
  'collectProposals',
  'fineTuneAdapters',
  'evaluateAdapters',
  'evaluateBase',
  'trainPolicy',
] satisfies (keyof SealActivities)[]);

/**
 * What a worker takes of its compute queues. One that lacks a campaign's model, key or device would fail task after task, each at once,
 * before machines that have it could take them. So it stops polling after each such failure, and then tries one task, until it computes
 * again or nothing has been missed for a while.
 */
export class WorkIntake {
  readonly #times: IntakeTimes;
  readonly #onMissing: (reason: string) => void;
  readonly #changes = new EventEmitter().setMaxListeners(0);
  #missing: { readonly reason: string; readonly atMs: number } | null = null;
  #computing = 0;
  #computedMs = Number.NEGATIVE_INFINITY;

  /** @param onMissing told in one line, when something is missed that was not before */
  constructor(onMissing: (reason: string) => void = () => undefined, times: IntakeTimes = TIMES) {
    this.#onMissing = onMissing;
    this.#times = times;
  }

  /** Work came that this machine cannot do. */
  miss(reason: string): void {
    if (this.missing !== reason) this.#onMissing(reason);
    this.#missing = { reason, atMs: performance.now() };
  }

  /** What this machine lacks for work that came lately; null if nothing. */
  get missing(): string | null {
    return this.#missing !== null && performance.now() - this.#missing.atMs < this.#times.missedMs ? this.#missing.reason : null;
  }

  /** Ready is a worker that can do what comes. */
  check(): HealthCheck {
    const { missing } = this;
    return { ok: missing === null, detail: missing === null ? 'nothing is missing' : `missing for some work: ${missing}` };
  }

  /** The same activities, whose ends are seen. */
  observe(activities: SealActivities): SealActivities {
    const observed = Object.entries(activities).map(([name, activity]) => [name, this.#observed(name, activity as (task: unknown) => Promise<unknown>)]);
    return Object.fromEntries(observed) as SealActivities;
  }

  /** Slots of one queue's worker, which polls only while it holds a free one. */
  slots(most: number): CustomSlotSupplier<ActivitySlotInfo> {
    let held = 0;
    const isFree = (): boolean => held < Math.min(most, this.#most());
    const take = (): object => {
      held += 1;
      return {};
    };
    return {
      type: 'custom',
      reserveSlot: async (_context, signal) => {
        while (!isFree()) await this.#change(signal);
        return take();
      },
      tryReserveSlot: () => (isFree() ? take() : null),
      markSlotUsed: () => undefined,
      releaseSlot: () => {
        held -= 1;
        this.#changes.emit('change');
      },
    };
  }

  #observed(name: string, activity: (task: unknown) => Promise<unknown>): (task: unknown) => Promise<unknown> {
    const isComputing = COMPUTING.has(name);
    return async (task) => {
      if (isComputing) this.#computing += 1;
      try {
        const result = await activity(task);
        if (isComputing) this.#computedMs = performance.now();
        return result;
      } catch (error) {
        const { type, message } = error as { readonly type?: string; readonly message: string };
        if (failureClassOf(type) === 'machine-unable') this.miss(message);
        throw error;
      } finally {
        if (isComputing) this.#computing -= 1;
      }
    };
  }

  /** Slots that each queue may have now. */
  #most(): number {
    const nowMs = performance.now();
    const isServing = this.#computing > 0 || nowMs - this.#computedMs < this.#times.servingMs;
    if (this.#missing === null || nowMs - this.#missing.atMs >= this.#times.missedMs || isServing) return Number.POSITIVE_INFINITY;
    return nowMs - this.#missing.atMs < this.#times.pauseMs ? 0 : 1;
  }

  /** Until a slot is free, or a pause may be over. @throws where `signal` aborts */
  async #change(signal: AbortSignal): Promise<void> {
    const pause = AbortSignal.timeout(this.#times.pauseMs);
    await once(this.#changes, 'change', { signal: AbortSignal.any([signal, pause]) }).catch(() => undefined);
    signal.throwIfAborted();
  }
}
