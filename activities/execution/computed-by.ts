import type { CampaignInput } from '../../campaign/campaign';
import type { ComputeSettings } from '../../campaign/language-model';
import type { Machine } from '../../campaign/machine';
import type { Services } from '../services';

/** As a lineage's settings name it. */
export interface ComputedBy extends ComputeSettings, Partial<Machine> {
  /** Where it is not what the campaign began with. */
  readonly codeVersion?: string;
  /** Whether CUDA may round the factors of fp32 products to 10 bits: never, and said where CUDA is used. */
  readonly tf32?: false;
}

/** What shaped a result's bits beside inputs and seed: precisions, providers, the machine's instruction set and threads, and the code. */
export function computedBy(services: Pick<Services, 'codeVersion' | 'machine'>, input: Pick<CampaignInput, 'codeVersion' | 'spec'>): ComputedBy {
  const codeVersion = otherCode(services, input);
  const { compute } = input.spec;
  return {
    ...compute,
    ...services.machine,
    ...(compute.executionProviders?.includes('cuda') === true && { tf32: false }),
    ...(codeVersion !== undefined && { codeVersion }),
  };
}

/** The version of the code that this process runs, where the campaign began with another. */
export function otherCode({ codeVersion }: Pick<Services, 'codeVersion'>, input: Pick<CampaignInput, 'codeVersion'>): string | undefined {
  return codeVersion === input.codeVersion ? undefined : codeVersion;
}
