import type { ArtifactRef } from '../../campaign/artifacts';
import { type Proposal, proposalsFile } from '../../record/documents/self-edits';
import type { ArtifactStore } from '../../storage/artifact-store';
import { Remembered } from '../stored/remembered';

const LISTS_IN_MEMORY = 16;

/** Reads lists of proposals, in the scope's order: context by context. */
export class ProposalReader {
  readonly #store: ArtifactStore;
  readonly #lists = new Remembered<readonly Proposal[]>(LISTS_IN_MEMORY);

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  read(proposals: ArtifactRef): Promise<readonly Proposal[]> {
    return this.#lists.get(proposals.sha256, () => proposalsFile.get(this.#store, proposals));
  }
}
