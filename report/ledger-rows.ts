import { scopes } from '../campaign/campaign';
import type { CampaignSpec } from '../campaign/campaign-spec';
import { type LedgerRow, NOTHING_SPENT, type Spent, spentTogether } from '../campaign/ledger';
import type { WorkRecord } from '../record/documents/work';
import type { CampaignData } from '../record/documents/campaign';
import { placeOf } from '../seal/algorithm/plan';
import { stagesOf } from '../seal/algorithm/stages';

export type LedgerCampaign = Pick<CampaignData, 'input' | 'contexts'>;

export const LEDGER_PARTS = ['worker', 'candidate', 'attempt'] as const;
export type LedgerPart = (typeof LEDGER_PARTS)[number];

/** A record's share that falls to a row. */
interface Share {
  readonly name: string;
  readonly spent: Spent;
  readonly outcome: WorkRecord['outcome'];
}

/** The ledger by workers, candidates or attempts, in the order of their first computation. */
export function ledgerRows(part: LedgerPart, records: readonly WorkRecord[], campaign: LedgerCampaign): LedgerRow[] {
  const sorted = [...records].sort((a, b) => (a.startedAt < b.startedAt ? -1 : a.startedAt > b.startedAt ? 1 : a.from - b.from));
  const shares = sorted.flatMap((record, i): Share[] => {
    const { spent, outcome } = record;
    switch (part) {
      case 'worker':
        return [{ name: record.worker, spent, outcome }];
      case 'attempt':
        return [{ name: attemptName(record, sorted.slice(0, i)), spent, outcome }];
      case 'candidate':
        return namesOf(record, campaign).map((name, place, { length }) => ({ name, spent: shareOf(spent, length, place === 0), outcome }));
    }
  });
  const rows = new Map<string, LedgerRow>();
  for (const share of shares) rows.set(share.name, withShare(rows.get(share.name) ?? emptyRow(share.name), share));
  return [...rows.values()];
}

function emptyRow(name: string): LedgerRow {
  return { name, done: 0, failed: 0, lost: 0, ...NOTHING_SPENT };
}

function withShare(row: LedgerRow, { spent, outcome }: Share): LedgerRow {
  return { ...row, ...spentTogether(row, spent), [outcome]: row[outcome] + 1 };
}

/** Seconds and tokens of a computation are shared equally among those that it was for. */
function shareOf(spent: Spent, n: number, first: boolean): Spent {
  const { trainSeconds, evaluateSeconds, generateSeconds, trainedTokens, generatedTokens } = spent;
  return {
    ...spent,
    trainSeconds: trainSeconds / n,
    evaluateSeconds: evaluateSeconds / n,
    generateSeconds: generateSeconds / n,
    trainedTokens: trainedTokens / n,
    generatedTokens: generatedTokens / n,
    redoneSteps: first ? spent.redoneSteps : 0,
  };
}

/** `epoch-1 fine-tune 0-3 r1, attempt 2 in 2 parts (5@host)`: the second computation that had any of these candidates in it. */
function attemptName({ kind, scope, from, to, repeat, memoryParts = 1, worker }: WorkRecord, before: readonly WorkRecord[]): string {
  const same = before.filter((one) => one.kind === kind && one.scope === scope && one.repeat === repeat && one.from < to && one.to > from);
  const places = to - from === 1 ? String(from) : `${from}-${to - 1}`;
  return `${scope} ${kind} ${places}${repeat === 0 ? '' : ` r${repeat}`}, attempt ${same.length + 1}${memoryParts === 1 ? '' : ` in ${memoryParts} parts`} (${worker})`;
}

/** Whom a computation was for: candidates by the ids of their workflows below the campaign's; what is for a scope as a whole by the scope's name. */
export function namesOf({ kind, scope, from, to }: WorkRecord, { input, contexts }: LedgerCampaign): string[] {
  if (kind === 'm-step') return [`${scope}/m-step`];
  if (kind === 'unadapted') return [`${scope}/unadapted`];
  const { spec } = input;
  const inEpoch = scopes.isTraining(scope);
  const own = contexts[inEpoch ? 'train' : 'heldOut'];
  const perContext = inEpoch ? spec.proposals.k : writesSelfEdits(spec, scope) ? spec.evaluation.selfEditsPerContext : 1;
  return Array.from({ length: to - from }, (_, i) => {
    const place = placeOf(from + i, perContext);
    return `${scope}/${own[place.context]?.id ?? `context ${place.context}`}/c${place.candidate}`;
  });
}

/** Whether the policy adapts to self-edits there; to what else there is it adapts once a context. */
function writesSelfEdits(spec: CampaignSpec, scope: string): boolean {
  return stagesOf(spec).some((stage) => stage.kind === 'evaluate' && stage.rows.kind === 'self-edits' && scopes.evaluation(stage.method) === scopes.unversioned(scope));
}
