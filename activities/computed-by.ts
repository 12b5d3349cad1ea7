import type { CampaignInput } from '../contracts/campaign';
import type { ComputeSettings } from '../contracts/language-model';
import type { Machine } from '../contracts/machine';
import type { Services } from './services';

/** What shaped a result's bits beside inputs, seed and code: precisions, providers, the machine's instruction set and threads. */
export function computedBy({ machine }: Services, { spec }: CampaignInput): ComputeSettings & Partial<Machine> {
  return { ...spec.compute, ...machine };
}
