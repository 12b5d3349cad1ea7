import type { CampaignInput } from '../../contracts/campaign';
import type { ComputeSettings } from '../../contracts/language-model';
import type { Machine } from '../../contracts/machine';
import type { Services } from '../services';

/**
 * What shaped a result's bits beside inputs and seed: precisions, providers, the machine's instruction set and threads, and the code,
 * where it is not what the campaign began with.
 */
export function computedBy(services: Services, input: CampaignInput): ComputeSettings & Partial<Machine> & { readonly codeVersion?: string } {
  const codeVersion = otherCode(services, input);
  return { ...input.spec.compute, ...services.machine, ...(codeVersion !== undefined && { codeVersion }) };
}

/** The version of the code that this process runs, where the campaign began with another. */
export function otherCode({ codeVersion }: Pick<Services, 'codeVersion'>, input: Pick<CampaignInput, 'codeVersion'>): string | undefined {
  return codeVersion === input.codeVersion ? undefined : codeVersion;
}
