import type { LedgerCampaign } from '../../report/ledger-rows';
import type { Context } from '../../seal/domains/domain';
import { campaignInput, type InputOptions } from '../workflows/campaign-input';

/** A campaign whose contexts are `train0`, `train1`, ..., `held0`, ... */
export function ledgerCampaign(campaignId: string, options: InputOptions): LedgerCampaign {
  const input = campaignInput(campaignId, options);
  const named = (prefix: string, count: number): Context[] => Array.from({ length: count }, (_, i) => ({ id: `${prefix}${i}`, title: '', text: '', task: null }));
  return { input, contexts: { train: named('train', input.contexts.train), heldOut: named('held', input.contexts.heldOut) } };
}
