import type { CampaignInput, ContextRef } from '../../contracts/campaign';
import { type Context, promptOf } from '../../contracts/campaign-spec';
import { heldOutFile, inputFile, trainFile } from '../../record/documents/campaign';
import type { ProposalWording } from '../../seal/domain';
import type { ArtifactStore } from '../../storage/artifact-store';
import type { PinnedCampaign, Split } from '../activity-types';
import { Remembered } from './remembered';

/** A campaign's inputs, read once a process. `wording`: how self-edits are asked for. */
export interface CampaignData {
  readonly input: CampaignInput;
  readonly contexts: Readonly<Record<Split, readonly Context[]>>;
  readonly wording: ProposalWording;
}

const CAMPAIGNS_IN_MEMORY = 4;

/** Reads pinned campaigns; the artifact's hash is the key, so a deleted and restarted id is never mistaken for its past. */
export class CampaignDataReader {
  readonly #store: ArtifactStore;
  readonly #campaigns = new Remembered<CampaignData>(CAMPAIGNS_IN_MEMORY);

  constructor(store: ArtifactStore) {
    this.#store = store;
  }

  read(campaign: PinnedCampaign): Promise<CampaignData> {
    return this.#campaigns.get(campaign.input.sha256, async () => {
      const input = await inputFile.get(this.#store, campaign.input);
      const [train, heldOut, wording] = await Promise.all([
        trainFile.get(this.#store, input.train),
        heldOutFile.get(this.#store, input.heldOut),
        this.#wording(input),
      ]);
      return { input, contexts: { train, heldOut }, wording };
    });
  }

  async #wording({ template, spec }: CampaignInput): Promise<ProposalWording> {
    if (template === undefined) return { prompt: promptOf(spec) };
    return { template: Buffer.from(await this.#store.get(template)).toString('utf8') };
  }
}

/** The references of a split's contexts, in the campaign's order. */
export function contextRefs(data: CampaignData, split: Split): readonly ContextRef[] {
  return split === 'train' ? data.input.trainContexts : data.input.heldOutContexts;
}

/** The context at a place in the campaign's order. @throws RangeError for a place that the campaign does not have */
export function contextAt(data: CampaignData, split: Split, place: number): { readonly id: string; readonly context: Context } {
  const ref = contextRefs(data, split)[place];
  const context = ref === undefined ? undefined : data.contexts[split][ref.index];
  if (ref === undefined || context === undefined) throw new RangeError(`campaign has no ${split} context ${place}`);
  return { id: ref.id, context };
}
