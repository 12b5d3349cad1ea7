import { hostname } from 'node:os';
import type { ComputeProgress } from '../../contracts/language-model';
import { type AttemptName, NOTHING_SPENT, type Spent, type SpentDetails, spentIn, spentTogether } from '../../contracts/ledger';
import type { Work, WorkKind } from '../../contracts/work';

/** As Temporal names a worker. */
export const WORKER = `${process.pid}@${hostname()}`;

/** Which seconds of the ledger a kind of computation fills. */
const SECONDS: Readonly<Record<WorkKind, 'generateSeconds' | 'evaluateSeconds' | 'trainSeconds'>> = {
  propose: 'generateSeconds',
  unadapted: 'evaluateSeconds',
  evaluate: 'evaluateSeconds',
  'fine-tune': 'trainSeconds',
  'm-step': 'trainSeconds',
};

/** Seconds of the language model as they stand in the ledger. */
export function secondsOf(kind: WorkKind, seconds: number): Partial<Spent> {
  return { [SECONDS[kind]]: seconds };
}

/** A computation under way, as all hear of it who wait for it. */
export interface Underway {
  readonly work: Work;
  readonly startedMs: number;
  readonly peakMemoryBytes: number;
  /** Steps that are being computed again. */
  readonly redoneSteps: number;
  /** What of it falls to whoever hears this: of the seconds a share, of the redone steps all or nothing. @default all */
  readonly share?: { readonly seconds: number; readonly steps: 0 | 1 };
}

/** Progress with the costs of what it is about. */
export type CostlyProgress = Partial<ComputeProgress> & { readonly underway?: Underway };

/**
 * What one activity has cost so far, all its attempts together. Heartbeats carry it, so that the attempt after a lost one, or the
 * workflow, knows what the lost one had spent.
 */
export class Expenses {
  readonly #name: AttemptName;
  /** Of the attempt before, as its last heartbeat had it; a lost one ended amid a computation. */
  readonly #before: Partial<SpentDetails>;
  #closed: Spent;
  #underway: Underway | undefined;

  /** @param before details of the last heartbeat of an attempt before */
  constructor(attempt: number, before: Partial<SpentDetails> | undefined) {
    this.#name = { worker: WORKER, attempt };
    this.#before = before ?? {};
    this.#closed = { ...spentIn(before), retries: attempt - 1 };
  }

  /** The computation amid which the attempt before was lost. */
  get lost(): SpentDetails['underway'] {
    return this.#before.underway;
  }

  get total(): Spent {
    return this.#closed;
  }

  /** A computation has ended, and this is what falls to this activity. */
  add(spent: Partial<Spent>): void {
    this.#closed = spentTogether(this.#closed, spent);
    this.#underway = undefined;
  }

  /** A computation goes on. */
  goesOn(underway: Underway): void {
    this.#underway = underway;
  }

  details(): SpentDetails {
    const running = this.#underway;
    if (running === undefined) return { spent: this.#closed };
    const { work, startedMs, share = { seconds: 1, steps: 1 }, redoneSteps, peakMemoryBytes } = running;
    const seconds = ((Date.now() - startedMs) / 1000) * share.seconds;
    const spent = { ...NOTHING_SPENT, ...secondsOf(work.kind, seconds), redoneSteps: redoneSteps * share.steps, peakMemoryBytes };
    return { spent: this.#closed, underway: { ...work, ...this.#name, startedAt: new Date(startedMs).toISOString(), spent } };
  }
}
