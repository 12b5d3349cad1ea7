import type { AdaptationScope } from '../../activities/activity-types';
import { groupAt } from '../../seal/algorithm/plan';
import { type ActivitySettings, bookkeepingActivities } from '../work/activity-options';

/** Ids that are asked for at once: some kilobytes of history, for a few runs' worth of candidates. */
const PAGE = 200;

/** The ids of a split's contexts, which name candidates' workflows; read a page at a time as they are needed. */
export class ContextIds {
  readonly #scope: AdaptationScope;
  readonly #contexts: number;
  readonly #settings: ActivitySettings;
  readonly #pages = new Map<number, Promise<void>>();
  readonly #ids: Map<number, string>;

  /** @param known by place, from an earlier run */
  constructor(scope: AdaptationScope, contexts: number, settings: ActivitySettings, known: ReadonlyMap<number, string>) {
    this.#ids = new Map(known);
    this.#scope = scope;
    this.#contexts = contexts;
    this.#settings = settings;
  }

  /** Has the ids at these places read, where they are not yet. */
  async read(places: readonly number[]): Promise<void> {
    const pages = new Set(places.filter((place) => !this.#ids.has(place)).map((place) => groupAt(place, PAGE, this.#contexts).from));
    await Promise.all([...pages].map((from) => this.#page(from)));
  }

  /** @throws RangeError for one that was not read */
  at(place: number): string {
    const id = this.#ids.get(place);
    if (id === undefined) throw new RangeError(`the id of context ${place} was not read`);
    return id;
  }

  #page(from: number): Promise<void> {
    const known = this.#pages.get(from) ?? this.#readPage(from);
    this.#pages.set(from, known);
    return known;
  }

  async #readPage(from: number): Promise<void> {
    const { campaign, split } = this.#scope;
    const ids = await bookkeepingActivities(this.#settings).contextIds({ campaign, split, ...groupAt(from, PAGE, this.#contexts) });
    ids.forEach((id, i) => this.#ids.set(from + i, id));
  }
}
