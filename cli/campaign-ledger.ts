import { type LedgerPart, ledgerRows } from '../report/ledger-rows';
import { ledgerOf } from '../report/ledger';
import type { CampaignState } from '../campaign/campaign';
import { costOf, type Ledger, type LedgerRow, type Price } from '../campaign/ledger';
import { readCampaignData, readInput } from '../record/documents/campaign';
import type { CampaignReport } from '../record/documents/report';
import { workRecords } from '../record/documents/work';
import { DOMAINS } from '../seal/domains/registry';
import { openStoreFromEnvironment } from '../storage/open-store';
import { CampaignClient } from './campaign-client';
import { reportDocument } from './campaign-report';

/** What `seal ledger` prints. */
export interface LedgerDocument {
  readonly campaignId: string;
  readonly state: CampaignState;
  readonly ledger: Ledger;
  /** Null where nothing says a price. */
  readonly cost: (Price & { readonly amount: number }) | null;
  /** As in `report.json`. */
  readonly lessMemory: CampaignReport['lessMemory'];
  readonly by: LedgerPart;
  readonly rows: readonly (LedgerRow & { readonly cost?: number })[];
}

/**
 * A campaign's ledger with its parts.
 *
 * @param priceOf decides about the price, given that of the campaign file
 * @throws BadInputError where neither store nor server knows the campaign
 */
export async function campaignLedger(campaignId: string, by: LedgerPart, priceOf: (filed: Price | undefined) => Price | undefined): Promise<LedgerDocument> {
  const store = await openStoreFromEnvironment();
  try {
    const { report } = await reportDocument(store, () => CampaignClient.connect(), campaignId);
    const input = await readInput(store, campaignId);
    const { state } = report;
    const price = priceOf(input.spec.ledger);
    const records = await workRecords(store, campaignId);
    // What was still running when the report was written has left its record since.
    const ledger = ledgerOf(records, report.ledger.wallSeconds);
    const rows = ledgerRows(by, records, await readCampaignData(store, input, DOMAINS));
    return {
      campaignId,
      state,
      ledger,
      cost: price === undefined ? null : { ...price, amount: costOf(ledger, price) },
      lessMemory: report.lessMemory,
      by,
      rows: rows.map((row) => (price === undefined ? row : { ...row, cost: costOf(row, price) })),
    };
  } finally {
    store.close();
  }
}
