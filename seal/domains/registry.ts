/** The domains that campaigns can have. A new one is a folder here, and a line in `DOMAINS`. */
import { campaignSpecSchemaOf } from '../../campaign/campaign-spec';
import { BadInputError } from '../../campaign/errors';
import type { Domain } from './domain';
import { knowledgeDomain } from './knowledge/domain';

export class Domains {
  /** Of a campaign file that names one of these. */
  readonly campaignSchema: ReturnType<typeof campaignSpecSchemaOf>;
  readonly #domains: ReadonlyMap<string, Domain>;

  constructor(domains: readonly Domain[]) {
    this.#domains = new Map(domains.map((domain) => [domain.name, domain]));
    this.campaignSchema = campaignSpecSchemaOf(domains);
  }

  /** @throws BadInputError for one that this code does not have */
  get(name: string): Domain {
    const domain = this.#domains.get(name);
    if (domain !== undefined) return domain;
    throw new BadInputError({ where: 'domain', expected: [...this.#domains.keys()].join(' or '), got: JSON.stringify(name) });
  }
}

export const DOMAINS = new Domains([knowledgeDomain]);
