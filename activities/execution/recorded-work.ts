/**
 * Who computed what, when and at what cost: the campaign's timeline and its ledger. A record is written once, when a computation ends
 * or is found lost, and costs are recorded nowhere else. Attempts differ in it, so no other manifest names it.
 */
import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { type CampaignInput } from '../../campaign/campaign';
import type { ComputeOptions } from '../../campaign/language-model';
import { type Spent, spentTogether } from '../../campaign/ledger';
import type { Work, WorkKind } from '../../campaign/work';
import { workDocument, type WorkRecord } from '../../record/documents/work';
import { manifestKeys } from '../../record/keys';
import { computeLimits, type Services } from '../services';
import type { AdmittedOptions } from './compute-gate';
import { otherCode } from './computed-by';
import { type Computation, type RunningActivity, WORKER } from './running-activity';

/** What a computation passes on to the language model. */
export type RecordedOptions = AdmittedOptions & Required<Pick<ComputeOptions, 'onProgress' | 'onPeakMemory'>>;

/** A computation to be done and what of its cost is known beside its time. */
export interface RecordedWork<Result> {
  readonly work: Work;
  readonly compute: (options: RecordedOptions) => Promise<Result>;
  /** Tokens of the result. */
  readonly costOf: (result: Result) => Partial<Spent>;
  /** Steps that are computed again. @default 0 */
  readonly redoneSteps?: number;
  /** Steps that a failure has lost, once it has happened. @default 0 */
  readonly lostSteps?: () => number;
  /** What is worth saying of this attempt. */
  readonly note?: string;
}

/**
 * Runs a computation when the language model is free and records it, from its admission to its end. Its seconds are those in between:
 * as long as nobody else could have the language model. The next attempt records the computation of a killed worker.
 *
 * @throws MachineUnableError where the base's files are not those pinned; as ComputeGate.admit, Admission.settle
 */
export async function runRecorded<Result>(
  services: Services,
  input: CampaignInput,
  { signal, onProgress, onComputation }: RunningActivity,
  { work, compute, costOf, redoneSteps = 0, lostSteps = () => 0, note }: RecordedWork<Result>,
): Promise<Result> {
  let running: Computation | undefined;
  const goOn = (computation: Computation): void => {
    running = computation;
    onComputation(computation);
  };
  const record = async (outcome: WorkRecord['outcome'], costs: Partial<Spent>): Promise<void> => {
    onComputation(null);
    if (running !== undefined) await recordWork(services, input, running, { endedMs: Date.now(), outcome, costs, ...(note !== undefined && { note }) });
  };
  const onPeakMemory = (bytes: number): void => {
    if (running !== undefined) goOn({ ...running, peakMemoryBytes: Math.max(running.peakMemoryBytes, bytes) });
  };
  await services.models.verifyBase(input.model);
  let result: Result;
  try {
    using admission = await services.gate.admit(signal, computeLimits(input));
    goOn({ ...work, worker: WORKER, attempt: Context.current().info.attempt, startedMs: Date.now(), peakMemoryBytes: 0, redoneSteps });
    result = await admission.settle(compute({ ...admission.options, onProgress, onPeakMemory }));
  } catch (error) {
    // The caller must hear why the computation failed, whatever becomes of its record: the base's files may have gone or changed.
    await Promise.allSettled([record('failed', { redoneSteps: lostSteps() })]);
    await services.models.verifyBase(input.model);
    throw error;
  }
  await record('done', costOf(result));
  return result;
}

/** Records the computation during which the attempt before was lost, as far as its heartbeats had told of it. */
export async function recordLost(services: Services, input: CampaignInput, { lost }: Pick<RunningActivity, 'lost'>): Promise<void> {
  if (lost === undefined) return;
  const { heardMs, ...computation } = lost;
  await recordWork(services, input, computation, { endedMs: heardMs, outcome: 'lost', costs: {} });
}

/** Which seconds of the ledger a kind of computation fills. */
const SECONDS: Readonly<Record<WorkKind, 'generateSeconds' | 'evaluateSeconds' | 'trainSeconds'>> = {
  propose: 'generateSeconds',
  unadapted: 'evaluateSeconds',
  evaluate: 'evaluateSeconds',
  'fine-tune': 'trainSeconds',
  'm-step': 'trainSeconds',
};

interface EndedWork {
  readonly endedMs: number;
  readonly outcome: WorkRecord['outcome'];
  /** Beside seconds, redone steps and memory. */
  readonly costs: Partial<Spent>;
  readonly note?: string;
}

/** Publishes the record of a computation. */
export async function recordWork(
  services: Services,
  input: CampaignInput,
  { startedMs, peakMemoryBytes, redoneSteps, ...computation }: Computation,
  { endedMs, outcome, costs, note }: EndedWork,
): Promise<void> {
  const seconds = Math.max(0, endedMs - startedMs) / 1000;
  const startedAt = new Date(startedMs).toISOString();
  const codeVersion = otherCode(services, input);
  const record: WorkRecord = {
    ...computation,
    startedAt,
    seconds,
    outcome,
    spent: spentTogether({ [SECONDS[computation.kind]]: seconds, redoneSteps, peakMemoryBytes }, costs),
    ...(codeVersion !== undefined && { codeVersion }),
    ...(note !== undefined && { note }),
  };
  const key = manifestKeys.work(input.campaignId, record.scope, `${startedAt}-${record.kind}-${record.from}-${randomUUID()}`);
  await workDocument.publish(services.store, key, { files: {}, lineage: { inputs: {}, codeVersion: input.codeVersion, settings: {} }, summary: record });
}
