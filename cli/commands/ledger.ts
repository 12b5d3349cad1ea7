import type { Command } from 'commander';
import { LEDGER_PARTS, type LedgerPart } from '../../report/ledger-rows';
import { BadInputError } from '../../campaign/errors';
import type { Price } from '../../campaign/ledger';
import { campaignLedger } from '../campaign-ledger';
import { newCommand, runWith, type CommonFlags } from '../command';
import { currency, oneOf, realNumber } from '../flags';
import { ledgerCsv, ledgerText } from '../ledger-table';
import { checkCampaignId } from '../start-campaign';

interface LedgerFlags extends CommonFlags {
  readonly by: LedgerPart;
  readonly csv?: boolean;
  readonly pricePerHour?: number;
  readonly currency?: string;
}

/** `seal ledger`: what a campaign cost, in all and by its parts; failed and lost attempts included. */
export function ledgerCommand(): Command {
  const command = newCommand('ledger', 'what a campaign cost, in all and by worker, candidate or attempt; of a running one, so far')
    .argument('<id>', 'campaign id')
    .option('--by <part>', 'worker, candidate or attempt', oneOf('--by', LEDGER_PARTS), 'worker')
    .option('--csv', 'print the parts as CSV')
    .option('--price-per-hour <x>', 'of a worker whose language model is busy (default: that of the campaign file)', realNumber('--price-per-hour', { minimum: 0, inclusive: true }))
    .option('--currency <code>', 'of the price, as EUR (default: that of the campaign file, else USD)', currency);
  return runWith<LedgerFlags>(command, async (flags, output, [id = '']) => {
    const campaignId = checkCampaignId(id, 'campaign id');
    if (flags.currency !== undefined && flags.pricePerHour === undefined) {
      throw new BadInputError({ where: '--currency', expected: 'a price beside it (--price-per-hour)', got: 'none' });
    }
    const document = await campaignLedger(campaignId, flags.by, (price) => priceOf(flags, price));
    output.result(document, () => (flags.csv === true ? ledgerCsv(document).trimEnd() : ledgerText(document)));
  });
}

/** The flags' price, else the campaign file's; undefined where neither says one. */
function priceOf({ pricePerHour, currency: named }: LedgerFlags, filed: Price | undefined): Price | undefined {
  if (pricePerHour === undefined) return filed;
  return { pricePerHour, currency: named ?? filed?.currency ?? 'USD' };
}
