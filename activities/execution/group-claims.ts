import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Manifest } from '../../contracts/artifacts';
import { manifestKeys } from '../../contracts/campaign';
import { ComputeCancelledError } from '../../contracts/errors';
import type { Turn } from '../../endpoint/fair-line';
import { RequestSlots } from '../../endpoint/request-slots';
import type { ArtifactStore } from '../../storage/artifact-store';
import { isAlive } from '../../storage/living-process';

export interface ClaimTimings {
  /** Between two signs of life of a claim's holder. @default 5000 */
  readonly renewMs?: number;
  /** A claim without a sign of life for as long is taken over. @default 20000, as a heartbeat's timeout */
  readonly expireMs?: number;
  /** Between two looks at another worker's claim. @default 1000 */
  readonly lookMs?: number;
  /** This machine's name. @default its host name */
  readonly host?: string;
}

/** Who wrote a mark. */
interface Holder {
  readonly host: string;
  readonly pid: number;
  /** Of the process's life: a container's first process has the same number each time. */
  readonly life: string;
}

interface Holding {
  readonly release: () => Promise<void>;
}

/**
 * Sees to it that a group's computation, which members on several machines ask for at once, is done by one of them: the others wait
 * and find it. A claim is a row of numbered marks in the store, each written where none is yet, so that one worker only can write
 * the next one: its holder as a sign of life, another one once there was none for too long. No clocks are compared. Claims save work;
 * nothing depends on them, since whoever computes a group twice gets the same bits and the first to publish is kept.
 */
export class GroupClaims {
  readonly #store: ArtifactStore;
  readonly #atOnce: number;
  readonly #slots: RequestSlots;
  readonly #turnOf: () => Turn;
  readonly #timings: Required<Omit<ClaimTimings, 'host'>>;
  readonly #self: Holder;
  /** When this process first saw another's latest mark. */
  readonly #seen = new Map<string, { readonly mark: number; readonly atMs: number }>();

  /** Claims that this process has or asks for, and what waits for one of them to end. */
  #held = 0;
  readonly #whenReleased = new Set<() => void>();

  /** @param atOnce groups that this worker computes at once; it claims one more, to prepare it, where nobody else wants that */
  constructor(store: ArtifactStore, atOnce: number, turnOf: () => Turn, { host = hostname(), ...timings }: ClaimTimings = {}) {
    this.#store = store;
    this.#turnOf = turnOf;
    this.#atOnce = atOnce;
    this.#slots = new RequestSlots(atOnce + 1, { before: 'cancelled before it began', waiting: 'cancelled while waiting for its turn' });
    this.#self = { host, pid: process.pid, life: randomUUID() };
    this.#timings = { renewMs: 5_000, expireMs: 20_000, lookMs: 1_000, ...timings };
  }

  /**
   * Runs `compute` while no other worker does; it begins with a look at what others have left meanwhile.
   *
   * @param name prefix of its marks' keys, the same for every worker that may want it
   * @throws ComputeCancelledError when `signal` aborts before it began, or what `compute` throws
   */
  async alone<Result>(name: string, signal: AbortSignal, compute: () => Promise<Result>): Promise<Result> {
    const turn = this.#turnOf();
    const attempt = async () => {
      if (this.#held >= this.#atOnce) await this.#afterTheIdle();
      this.#held += 1;
      try {
        return await this.#computeClaimed(name, compute);
      } finally {
        this.#held -= 1;
        this.#whenReleased.forEach((go) => go());
      }
    };
    for (;;) {
      const outcome = await this.#slots.run(signal, attempt, turn);
      if (outcome !== null) return outcome.result;
      // The turn passes to work that nobody else is at.
      await this.#whileHeld(name, signal);
    }
  }

  /** A worker that has something to compute lets one that has nothing go first. */
  #afterTheIdle(): Promise<void> {
    return new Promise<void>((resolve) => {
      const go = (): void => {
        clearTimeout(timer);
        this.#whenReleased.delete(go);
        resolve();
      };
      const timer = setTimeout(go, this.#timings.lookMs);
      this.#whenReleased.add(go);
    });
  }

  /** @returns null where another worker holds it */
  async #computeClaimed<Result>(name: string, compute: () => Promise<Result>): Promise<{ readonly result: Result } | null> {
    const holding = await this.#take(name);
    if (holding === null) return null;
    let result: Result;
    try {
      result = await compute();
    } catch (error) {
      // What is to be heard is why the computation failed, whatever becomes of its claim.
      await Promise.allSettled([holding.release()]);
      throw error;
    }
    await holding.release();
    return { result };
  }

  async #take(name: string): Promise<Holding | null> {
    const latest = await this.#latestMark(name);
    if (latest !== 0 && !(await this.#expired(name, latest))) return null;
    if (!(await this.#mark(name, latest + 1))) return null;
    this.#seen.delete(name);
    let mark = latest + 1;
    let lost = false;
    let renewing: Promise<void> = Promise.resolve();
    const renew = async (): Promise<void> => {
      if (await this.#mark(name, mark + 1)) mark += 1;
      else lost = true;
      if (lost) clearInterval(timer);
    };
    const timer = setInterval(() => {
      // A store that is away for a while costs the claim at worst, and then somebody computes the same twice.
      renewing = renewing.then(renew).catch(() => undefined);
    }, this.#timings.renewMs);
    return {
      release: async () => {
        clearInterval(timer);
        await renewing;
        if (lost) return;
        for (const key of await this.#store.list(name)) await this.#store.remove(key);
      },
    };
  }

  /** Until the claim is given up, or has shown no sign of life for too long. */
  async #whileHeld(name: string, signal: AbortSignal): Promise<void> {
    for (;;) {
      const latest = await this.#latestMark(name);
      if (latest === 0 || (await this.#expired(name, latest))) return;
      try {
        await sleep(this.#timings.lookMs, undefined, { signal });
      } catch (cause) {
        throw new ComputeCancelledError('cancelled while another worker computes it', { cause });
      }
    }
  }

  async #expired(name: string, mark: number): Promise<boolean> {
    const seen = this.#seen.get(name);
    if (seen?.mark === mark) return performance.now() - seen.atMs > this.#timings.expireMs;
    this.#seen.set(name, { mark, atMs: performance.now() });
    const written = await this.#store.findManifest(`${name}${mark}`);
    return written !== null && this.#hasEnded(written.summary as unknown as Holder);
  }

  /** A worker that was killed and started again need not wait for its own dead claims. */
  #hasEnded({ host, pid, life }: Holder): boolean {
    if (host !== this.#self.host || life === this.#self.life) return false;
    return pid === this.#self.pid || !isAlive(pid);
  }

  /** 0 where there is none. */
  async #latestMark(name: string): Promise<number> {
    const keys = await this.#store.list(name);
    return Math.max(0, ...keys.map((key) => Number(key.slice(name.length))));
  }

  /** @returns false where another worker wrote it first */
  async #mark(name: string, mark: number): Promise<boolean> {
    const claim: Manifest = { kind: 'claim', files: {}, lineage: { inputs: {}, codeVersion: '', settings: {} }, summary: { ...this.#self } };
    return !(await this.#store.publish(`${name}${mark}`, claim)).adopted;
  }
}

/** What killed workers have left claimed of a campaign that has ended. */
export async function removeClaims(store: ArtifactStore, campaignId: string): Promise<void> {
  for (const key of await store.list(manifestKeys.claims(campaignId))) await store.remove(key);
}
