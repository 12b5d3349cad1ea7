import type { CampaignInput } from '../campaign/campaign';
import { ArtifactCorruptError } from '../campaign/errors';
import { readAll } from '../record/bounded-reads';
import { type ArtifactStore, artifactKey } from '../storage/artifact-store';

/** Prefix of artifacts; everything else in a store is a manifest. */
export const ARTIFACTS = 'sha256/';

/**
 * An artifact that is asked for again is written again once it is an hour old, and named by a manifest within the hour. So one that
 * no manifest names and that was not written for this long is in nobody's hands.
 */
export const IN_FLIGHT_MS = 2 * 3600 * 1000;

/** Asks again who wants them after so many removals, which take some seconds. */
const REMOVED_IN_A_ROW = 500;

/** Hashes that some manifest names, or that campaigns which run hold without one. */
export class NamedArtifacts {
  readonly #store: ArtifactStore;
  readonly #isCounted: (key: string) => boolean;
  readonly #held: () => Promise<readonly string[]>;
  readonly #read = new Set<string>();
  readonly #named = new Set<string>();

  /**
   * @param isCounted which manifests, by key
   * @param held hashes that campaigns which run hold without a manifest, asked for anew each time
   */
  constructor(store: ArtifactStore, isCounted: (key: string) => boolean, held: () => Promise<readonly string[]>) {
    this.#store = store;
    this.#isCounted = isCounted;
    this.#held = held;
  }

  /**
   * Looks again: at who runs first, since what a campaign that begins meanwhile names next is named by the manifests that are listed then.
   * @throws ArtifactCorruptError for a manifest that cannot be read: nobody knows what it names
   */
  async look(): Promise<ReadonlySet<string>> {
    for (const sha256 of await this.#held()) this.#named.add(sha256);
    const keys = (await this.#store.list('')).filter((key) => !key.startsWith(ARTIFACTS) && this.#isCounted(key) && !this.#read.has(key));
    await readAll(keys, async (key) => {
      const manifest = await this.#store.findManifest(key).catch((error: unknown) => {
        if (!(error instanceof ArtifactCorruptError)) throw error;
        throw new ArtifactCorruptError(`${error.message}: as long as nobody knows what it names, nothing is removed (seal audit says more)`, { cause: error });
      });
      // Removed since it was listed.
      for (const { sha256 } of Object.values(manifest?.files ?? {})) this.#named.add(sha256);
      this.#read.add(key);
    });
    return this.#named;
  }
}

export interface Removal {
  readonly store: ArtifactStore;
  /** By whom an artifact may be wanted. */
  readonly named: NamedArtifacts;
  /** What was written since then is left alone. */
  readonly cutoffMs: number;
  readonly dryRun: boolean;
}

export interface Removed {
  readonly artifacts: number;
  readonly sizeBytes: number;
  /** Named by nobody, but too young: they may be on their way into a manifest. */
  readonly young: number;
}

/** Removes those of the artifacts that nobody names and that are old enough, both looked at just before. */
export async function removeUnnamed(sha256s: readonly string[], { store, named, cutoffMs, dryRun }: Removal): Promise<Removed> {
  let [artifacts, sizeBytes, young] = [0, 0, 0];
  for (let first = 0; first < sha256s.length; first += REMOVED_IN_A_ROW) {
    const wanted = await named.look();
    await readAll(sha256s.slice(first, first + REMOVED_IN_A_ROW), async (sha256) => {
      const key = artifactKey({ sha256 });
      const found = wanted.has(sha256) ? null : await store.findObject(key);
      if (found === null) return;
      if (found.modifiedMs >= cutoffMs) {
        young += 1;
        return;
      }
      if (!dryRun) await store.remove(key);
      artifacts += 1;
      sizeBytes += found.sizeBytes;
    });
  }
  return { artifacts, sizeBytes, young };
}

/** What a campaign that has just been started holds without a manifest. */
export function inputArtifacts({ train, heldOut, template }: Pick<CampaignInput, 'train' | 'heldOut' | 'template'>): string[] {
  return [train, heldOut, ...(template === undefined ? [] : [template])].map(({ sha256 }) => sha256);
}
