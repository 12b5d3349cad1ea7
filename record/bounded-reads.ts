import type { ArtifactStore } from '../storage/artifact-store';
import type { JsonFile, KeyedManifest } from './json-file';

/** Requests to the store at once of one reader: enough to hide its latency, and others find room among the client's sockets. */
const READS_AT_ONCE = 32;

/**
 * Results of `read` in the order of `items`, a bounded number of them under way.
 * @param atOnce @default 32
 */
export async function readAll<Item, Result>(
  items: readonly Item[],
  read: (item: Item) => Promise<Result>,
  atOnce: number = READS_AT_ONCE,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const place = next;
      next += 1;
      results[place] = await read(items[place]!);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, worker));
  return results;
}

/**
 * Each item with the result of `read`, in the order of `items`, a bounded number of them under way before their turn comes. What is
 * put at the end of `items` meanwhile is read too. Who stops early waits for what is under way.
 */
export async function* readAhead<Item, Result>(
  items: readonly Item[],
  read: (item: Item) => Promise<Result>,
  atOnce: number,
): AsyncGenerator<readonly [Item, Result]> {
  const underWay: (readonly [Item, Promise<Result>])[] = [];
  let next = 0;
  try {
    for (;;) {
      for (; underWay.length < atOnce && next < items.length; next += 1) {
        const item = items[next]!;
        const result = read(item);
        // A failure is told in its turn, not as one that nobody waits for.
        result.catch(() => undefined);
        underWay.push([item, result]);
      }
      const first = underWay.shift();
      if (first === undefined) return;
      yield [first[0], await first[1]];
    }
  } finally {
    await Promise.allSettled(underWay.map(([, result]) => result));
  }
}

/** At most `most` of the items, evenly spaced from the first on. */
export function evenlySpaced<Item>(items: readonly Item[], most: number): Item[] {
  if (items.length <= most) return [...items];
  return Array.from({ length: most }, (_, i) => items[Math.floor((i * items.length) / most)]!);
}

/** JSON artifacts that several manifests name, each read once. */
export class SharedFiles<Content> {
  readonly #store: ArtifactStore;
  readonly #file: JsonFile<Content>;
  readonly #contents = new Map<string, Promise<Content>>();

  constructor(store: ArtifactStore, file: JsonFile<Content>) {
    this.#store = store;
    this.#file = file;
  }

  /** Of the file that a manifest names. */
  read(from: KeyedManifest): Promise<Content> {
    const ref = this.#file.refIn(from);
    const content = this.#contents.get(ref.sha256) ?? this.#file.get(this.#store, ref);
    this.#contents.set(ref.sha256, content);
    return content;
  }
}
