/**
 * Who computed what, when and at what cost: the campaign's timeline, and the parts of its ledger. Attempts differ in it, so no other
 * manifest names it and nothing but reports read it; every attempt leaves a record of its own.
 */
import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { type CampaignInput, manifestKeys } from '../../contracts/campaign';
import type { ComputeOptions } from '../../contracts/language-model';
import { type Spent, spentTogether } from '../../contracts/ledger';
import type { WorkRecord } from '../../contracts/report-details';
import type { Work } from '../../contracts/work';
import { computeLimits, type Services } from '../services';
import { attachBill, Bill } from './bill';
import type { AdmittedOptions } from './compute-gate';
import { otherCode } from './computed-by';
import { type CostlyProgress, type Expenses, secondsOf, WORKER } from './expenses';

/** What a computation passes on to the language model. */
export type RecordedOptions = AdmittedOptions & Required<Pick<ComputeOptions, 'onProgress' | 'onPeakMemory'>>;

/** A computation to be done and what of its cost is known beside its time. */
export interface RecordedWork<Result> {
  readonly work: Work;
  readonly signal: AbortSignal;
  readonly onProgress: (progress: CostlyProgress) => void;
  readonly compute: (options: RecordedOptions) => Promise<Result>;
  /** Tokens of the result. */
  readonly costOf: (result: Result) => Partial<Spent>;
  /** Positions that share the cost of a failure. @default those of `work` */
  readonly sharedBy?: readonly number[];
  /** Steps that are computed again. @default 0 */
  readonly redoneSteps?: number;
  /** Steps that a failure has lost, once it has happened. @default 0 */
  readonly lostSteps?: () => number;
  /** What is worth saying of this attempt. */
  readonly note?: string;
}

/**
 * Runs a computation when the language model is free and records it, from its admission to its end. Its seconds are those in between:
 * as long as nobody else could have the language model. Of a killed worker's computation the next attempt leaves the record.
 *
 * @throws as ComputeGate.run; the error carries the bill
 */
export async function runRecorded<Result>(
  services: Services,
  input: CampaignInput,
  recorded: RecordedWork<Result>,
): Promise<{ readonly result: Result; readonly spent: Partial<Spent> }> {
  const { work, signal, redoneSteps = 0, note } = recorded;
  let startedMs: number | undefined;
  let peakMemoryBytes = 0;
  const onProgress = (progress: CostlyProgress): void => {
    recorded.onProgress({ ...progress, ...(startedMs !== undefined && { underway: { work, startedMs, peakMemoryBytes, redoneSteps } }) });
  };
  const onPeakMemory = (bytes: number): void => {
    peakMemoryBytes = Math.max(peakMemoryBytes, bytes);
  };
  const conclude = async (outcome: WorkRecord['outcome'], costs: Partial<Spent>): Promise<Partial<Spent>> => {
    if (startedMs === undefined) return {};
    const seconds = (Date.now() - startedMs) / 1000;
    const spent = spentTogether({ ...secondsOf(work.kind, seconds), redoneSteps, peakMemoryBytes }, costs);
    const { attempt } = Context.current().info;
    const startedAt = new Date(startedMs).toISOString();
    const codeVersion = otherCode(services, input);
    const told = { ...(codeVersion !== undefined && { codeVersion }), ...(note !== undefined && { note }) };
    const record = { ...work, worker: WORKER, attempt, startedAt, seconds, outcome, spent, ...told };
    await publishRecord(services, input, record);
    return spent;
  };
  let result: Result;
  try {
    result = await services.gate.run(signal, computeLimits(input), (admitted) => {
      startedMs = Date.now();
      onProgress({});
      return recorded.compute({ ...admitted, onProgress, onPeakMemory });
    });
  } catch (error) {
    // What the caller must hear is why the computation failed, whatever becomes of its record.
    const [concluded] = await Promise.allSettled([conclude('failed', { redoneSteps: recorded.lostSteps?.() ?? 0 })]);
    const seconds = startedMs === undefined ? 0 : (Date.now() - startedMs) / 1000;
    const spent = concluded.status === 'fulfilled' ? concluded.value : { ...secondsOf(work.kind, seconds), peakMemoryBytes, redoneSteps };
    attachBill(error, new Bill(recorded.sharedBy ?? positionsOf(work), spent));
    throw error;
  }
  return { result, spent: await conclude('done', recorded.costOf(result)) };
}

/** Records the computation amid which the attempt before was lost, as far as its heartbeats had told of it. */
export async function recordLost(services: Services, input: CampaignInput, { lost }: Expenses): Promise<void> {
  if (lost === undefined) return;
  const { trainSeconds, evaluateSeconds, generateSeconds } = lost.spent;
  await publishRecord(services, input, { ...lost, seconds: trainSeconds + evaluateSeconds + generateSeconds, outcome: 'lost' });
}

function positionsOf({ from, to }: Work): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

async function publishRecord({ store }: Services, { campaignId, codeVersion }: CampaignInput, record: WorkRecord): Promise<void> {
  const { scope, kind, from, startedAt } = record;
  await store.publish(manifestKeys.work(campaignId, scope, `${startedAt}-${kind}-${from}-${randomUUID()}`), {
    kind: 'work',
    files: {},
    lineage: { inputs: {}, codeVersion, settings: {} },
    summary: { ...record },
  });
}
