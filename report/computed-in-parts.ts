import type { CandidateRow, CampaignReport } from '../record/documents/report';
import type { WorkRecord } from '../record/documents/work';
import { memoryPartsOf } from '../record/lineage';
import { counted } from './figures';
import { type LedgerCampaign, namesOf } from './ledger-rows';

const MOST_NAMED = 10;

/** All that was computed in parts, for want of memory: candidates as their lineage says it, then what only records tell of (M-steps, evaluations). */
export function computedInParts(candidates: readonly CandidateRow[], records: readonly WorkRecord[], campaign: LedgerCampaign): CampaignReport['lessMemory'] {
  const { campaignId } = campaign.input;
  const recorded = records
    .filter(({ outcome }) => outcome === 'done')
    .flatMap((record) => namesOf(record, campaign).map((name) => ({ id: `${campaignId}/${name}`, memoryParts: memoryPartsOf({ ...record }) })));
  const most = new Map<string, number>();
  for (const { id, memoryParts } of [...candidates, ...recorded]) if (memoryParts > 1) most.set(id, Math.max(most.get(id) ?? 1, memoryParts));
  return [...most].map(([id, memoryParts]) => ({ id, memoryParts }));
}

/** In one sentence for people; null where all was computed at once. */
export function inPartsSentence(lessMemory: CampaignReport['lessMemory']): string | null {
  if (lessMemory.length === 0) return null;
  const most = Math.max(...lessMemory.map(({ memoryParts }) => memoryParts));
  const named = lessMemory.slice(0, MOST_NAMED).map(({ id }) => id);
  const others = lessMemory.length - named.length;
  const names = `${named.join(', ')}${others === 0 ? '' : ` and ${others} more in report.json`}`;
  return `Memory was short: ${counted(lessMemory.length, 'result')} computed with less at once, in up to ${most} parts, the same but for rounding (${names}).`;
}
