import type { Manifest, PublishedManifest } from '../campaign/artifacts';
import type { ArtifactStore } from '../storage/artifact-store';
import type { ManifestSource } from './document-type';

/** Some kilobytes each: an epoch of a large campaign. */
const MANIFESTS_IN_MEMORY = 4000;

/**
 * Manifests that this process has read or published. A published manifest never changes, so within a campaign's run it needs to be
 * read only once: an evaluation follows a fine-tune whose manifests are at hand, and a request to the store costs milliseconds
 * that the language model would rather have.
 */
export class ManifestCache {
  readonly #store: ArtifactStore;
  readonly #manifests = new Map<string, Manifest>();

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  /** The store as a run of a campaign sees it. */
  of({ runId }: { readonly runId: string }): ManifestSource {
    const nameOf = (key: string): string => `${runId}\n${key}`;
    const find = async (key: string): Promise<Manifest | null> => {
      const known = this.#manifests.get(nameOf(key)) ?? (await this.#store.findManifest(key));
      if (known !== null) this.#remember(nameOf(key), known);
      return known;
    };
    return {
      findManifest: find,
      readManifest: async (key) => (await find(key)) ?? this.#store.readManifest(key),
      publish: async (key, manifest): Promise<PublishedManifest> => {
        const published = await this.#store.publish(key, manifest);
        this.#remember(nameOf(key), published.manifest);
        return published;
      },
    };
  }

  #remember(name: string, manifest: Manifest): void {
    this.#manifests.set(name, manifest);
    const oldest = this.#manifests.keys().next().value;
    if (this.#manifests.size > MANIFESTS_IN_MEMORY && oldest !== undefined) this.#manifests.delete(oldest);
  }
}
