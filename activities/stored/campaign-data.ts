import type { Split } from '../../campaign/campaign';
import { type CampaignData, inputFile, readCampaignData } from '../../record/documents/campaign';
import type { Context } from '../../seal/domains/domain';
import type { Domains } from '../../seal/domains/registry';
import type { ArtifactStore } from '../../storage/artifact-store';
import type { PinnedCampaign } from '../activity-types';
import { Remembered } from './remembered';

const CAMPAIGNS_IN_MEMORY = 4;

/** Reads pinned campaigns, once a process; the artifact's hash is the key, so a deleted and restarted id is never mistaken for its past. */
export class CampaignDataReader {
  readonly #store: ArtifactStore;
  readonly #domains: Domains;
  readonly #campaigns = new Remembered<CampaignData>(CAMPAIGNS_IN_MEMORY);

  constructor(store: ArtifactStore, domains: Domains) {
    this.#store = store;
    this.#domains = domains;
  }

  read(campaign: PinnedCampaign): Promise<CampaignData> {
    return this.#campaigns.get(campaign.input.sha256, async () => readCampaignData(this.#store, await inputFile.get(this.#store, campaign.input), this.#domains));
  }
}

/** The context at a place in the campaign's order. @throws RangeError for a place that the campaign does not have */
export function contextAt({ contexts }: CampaignData, split: Split, place: number): Context {
  const context = contexts[split][place];
  if (context === undefined) throw new RangeError(`campaign has no ${split} context ${place}`);
  return context;
}
