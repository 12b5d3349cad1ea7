import type { ArtifactRef } from '../../contracts/artifacts';
import type { SelfEdit } from '../../seal/domain';
import type { ArtifactStore } from '../../storage/artifact-store';
import { Remembered } from '../stored/remembered';
import { getJson } from '../stored/stored-json';

/** A self-edit as proposed. */
export interface Proposal extends SelfEdit {
  readonly contextId: string;
  /** From 1. */
  readonly candidate: number;
  /** Why the model could not be trained on it, where only its tokenizer can tell: a row is too long. */
  readonly tooLong?: string;
}

const LISTS_IN_MEMORY = 16;

/** Reads lists of proposals, in the scope's order: context by context. */
export class ProposalReader {
  readonly #store: ArtifactStore;
  readonly #lists = new Remembered<readonly Proposal[]>(LISTS_IN_MEMORY);

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  read(proposals: ArtifactRef): Promise<readonly Proposal[]> {
    return this.#lists.get(proposals.sha256, () => getJson<Proposal[]>(this.#store, proposals));
  }
}
