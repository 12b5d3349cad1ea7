/** Whose turn it may be, as a task of Temporal has it. */
export interface Turn {
  /** 1 goes first. */
  readonly priority: number;
  /** Those of one priority are served in rotation, one of each key. */
  readonly share: string;
}

/** Everyone alike: the order of arrival. */
export const ANY_TURN: Turn = { priority: 0, share: '' };

interface Share<Item> {
  readonly key: string;
  readonly items: Item[];
}

/**
 * What waits for its turn: by priority; within one priority the shares take turns; within a share in the order of arrival. A
 * share that has much waiting delays the others by one item, not by all.
 */
export class FairLine<Item> {
  /** Shares with something waiting, by priority, the one whose turn is next first. */
  readonly #levels = new Map<number, Share<Item>[]>();

  push(item: Item, { priority, share }: Turn): void {
    const level = this.#levels.get(priority) ?? [];
    this.#levels.set(priority, level);
    const own = level.find(({ key }) => key === share);
    if (own === undefined) level.push({ key: share, items: [item] });
    else own.items.push(item);
  }

  /** Takes out whose turn it is. */
  shift(): Item | undefined {
    if (this.#levels.size === 0) return undefined;
    const first = Math.min(...this.#levels.keys());
    const level = this.#levels.get(first)!;
    const share = level.shift()!;
    const item = share.items.shift()!;
    if (share.items.length > 0) level.push(share);
    else if (level.length === 0) this.#levels.delete(first);
    return item;
  }

  /** Takes out one that no longer wants its turn. */
  remove(item: Item): void {
    for (const [priority, level] of this.#levels) {
      for (const share of level) {
        const at = share.items.indexOf(item);
        if (at < 0) continue;
        share.items.splice(at, 1);
        if (share.items.length === 0) level.splice(level.indexOf(share), 1);
        if (level.length === 0) this.#levels.delete(priority);
        return;
      }
    }
  }
}
