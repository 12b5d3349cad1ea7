import { type Ledger, NOTHING_SPENT, spentTogether } from '../../contracts/ledger';
import type { WorkRecord } from '../../contracts/report-details';

/**
 * A ledger with all that records of work tell of. The campaign's workflow hears what a part has cost when the part ends well: of one that runs, was
 * cancelled or terminated, or failed, only records tell, as they do of the time since it last heard anything. Most costs are in both, so that of each the
 * larger is what is known.
 *
 * @param ledger as the campaign's workflow knows it; zeros where nobody could ask
 */
export function recordedLedger(ledger: Ledger, records: readonly WorkRecord[]): Ledger {
  const recorded = records.reduce((sum, { spent = {} }) => spentTogether(sum, spent), NOTHING_SPENT);
  return {
    ...ledger,
    wallSeconds: Math.max(ledger.wallSeconds, secondsCovered(records)),
    trainSeconds: Math.max(ledger.trainSeconds, recorded.trainSeconds),
    evaluateSeconds: Math.max(ledger.evaluateSeconds, recorded.evaluateSeconds),
    generateSeconds: Math.max(ledger.generateSeconds, recorded.generateSeconds),
    trainedTokens: Math.max(ledger.trainedTokens, recorded.trainedTokens),
    generatedTokens: Math.max(ledger.generatedTokens, recorded.generatedTokens),
    retries: Math.max(ledger.retries, repetitions(records)),
    redoneSteps: Math.max(ledger.redoneSteps, recorded.redoneSteps),
    peakMemoryBytes: Math.max(ledger.peakMemoryBytes, recorded.peakMemoryBytes),
  };
}

/** Seconds in which at least one of the computations ran. */
function secondsCovered(records: readonly WorkRecord[]): number {
  const spans = records.map(({ startedAt, seconds }) => ({ startMs: Date.parse(startedAt), endMs: Date.parse(startedAt) + seconds * 1000 })).sort((a, b) => a.startMs - b.startMs);
  let [coveredMs, untilMs] = [0, -Infinity];
  for (const { startMs, endMs } of spans) {
    coveredMs += Math.max(0, endMs - Math.max(startMs, untilMs));
    untilMs = Math.max(untilMs, endMs);
  }
  return coveredMs / 1000;
}

/** Computations of candidates that an earlier one of the same kind was for. At least one activity was attempted again for each. */
function repetitions(records: readonly WorkRecord[]): number {
  const known = new Map<string, WorkRecord[]>();
  let count = 0;
  for (const record of records) {
    const key = `${record.kind} ${record.scope} ${record.repeat}`;
    const others = known.get(key) ?? [];
    if (others.some(({ from, to }) => from < record.to && to > record.from)) count += 1;
    others.push(record);
    known.set(key, others);
  }
  return count;
}
