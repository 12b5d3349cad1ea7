import type { Manifest } from '../../contracts/artifacts';
import type { ArtifactStore } from '../../storage/artifact-store';
import type { PinnedCampaign } from '../activity-types';

/** Some kilobytes each: an epoch of a large campaign. */
const MANIFESTS_IN_MEMORY = 4000;

/**
 * Manifests that this process has read or published. A published manifest never changes, so within a campaign's run it needs to be
 * read only once: an evaluation follows a fine-tune whose manifests are at hand, and a request to the store costs milliseconds
 * that the language model would rather have.
 */
export class ManifestMemory {
  readonly #store: ArtifactStore;
  readonly #manifests = new Map<string, Manifest>();

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  async find(campaign: PinnedCampaign, key: string): Promise<Manifest | null> {
    const known = this.#manifests.get(nameOf(campaign, key));
    if (known !== undefined) return known;
    const found = await this.#store.findManifest(key);
    if (found !== null) this.#remember(campaign, key, found);
    return found;
  }

  /** @throws ArtifactMissingError, ArtifactCorruptError */
  async read(campaign: PinnedCampaign, key: string): Promise<Manifest> {
    return (await this.find(campaign, key)) ?? this.#store.readManifest(key);
  }

  /** Publishes, or adopts what another attempt published first. */
  async publish(campaign: PinnedCampaign, key: string, manifest: Manifest): Promise<Manifest> {
    const published = await this.#store.publish(key, manifest);
    this.#remember(campaign, key, published.manifest);
    return published.manifest;
  }

  #remember(campaign: PinnedCampaign, key: string, manifest: Manifest): void {
    this.#manifests.set(nameOf(campaign, key), manifest);
    const oldest = this.#manifests.keys().next().value;
    if (this.#manifests.size > MANIFESTS_IN_MEMORY && oldest !== undefined) this.#manifests.delete(oldest);
  }
}

function nameOf({ runId }: PinnedCampaign, key: string): string {
  return `${runId}\n${key}`;
}
