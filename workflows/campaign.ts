/**
 * A campaign: baselines, epochs of ReST-EM with an evaluation after each, and a report.
 * Source: paper, "RL Optimization" and "Knowledge Incorporation".
 */
import { allHandlersFinished, ApplicationFailure, CancellationScope, condition, ContinueAsNew, isCancellation, log, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { PinnedCampaign } from '../activities/activity-types';
import { type CampaignInput, type CampaignProgress, type CampaignState, type EpochSummary, type EpochVersion, type MethodScore, type OperatorAction } from '../contracts/campaign';
import { baselinesOf, rowsOf } from './campaign/baselines';
import { FinishedParts, sealMethod } from './campaign/finished-parts';
import { CampaignOperator } from './campaign/operator';
import { type PartContext, resultOf, startEpoch, startEvaluation } from './campaign/parts';
import { CampaignClock, describeProgress } from './campaign/progress';
import type { CampaignSnapshot, FinishedEpoch } from './campaign/snapshot';
import type { EvaluatedRows } from './evaluation';
import { continueUnlessCancelled, shouldContinueAsNew } from './fan-out/continue-as-new';
import { startArchivist } from './record/archivist';
import { HistoryArchive } from './record/history-archive';
import { campaignAttributes, statusAttribute } from './record/search-attributes';
import { activitySettings, bookkeepingActivities } from './work/activity-options';
import { reasonOf } from './work/reason';

export interface CampaignResult {
  readonly state: CampaignState;
  /** Manifest key of the report. */
  readonly report: string | null;
  readonly methods: readonly MethodScore[];
  readonly epochs: readonly EpochSummary[];
  /** Manifest keys of the last policy's adapters. */
  readonly policyAdapters: readonly string[];
  /** What `retry-failed` begins with. */
  readonly snapshot: CampaignSnapshot;
}

/**
 * Runs a campaign to its report. Cancelled by an operator's Update it ends with state `cancelled` and a partial report;
 * cancelled through Temporal it ends as cancelled there, with the same report; where it cannot go on it fails, with one too.
 *
 * @param snapshot what is finished already. @default nothing
 */
export async function campaignWorkflow(input: CampaignInput, snapshot?: CampaignSnapshot): Promise<CampaignResult> {
  return new Campaign(input, snapshot).run();
}

/** Numbers of epochs whose failed candidates shall be tried again, and who asked. */
interface RetryRequest {
  readonly action: OperatorAction;
  /** Its number in this run, from 1; 0 of one that an earlier run was asked for. */
  readonly request: number;
  readonly epochs: ReadonlySet<number>;
}

class Campaign {
  readonly #input: CampaignInput;
  readonly #settings;
  readonly #before: CampaignSnapshot | undefined;
  readonly #finished: FinishedParts;
  readonly #clock: CampaignClock;
  readonly #operator: CampaignOperator;
  readonly #scope = new CancellationScope();
  #archive: HistoryArchive | null = null;
  #phase = 'pinning inputs';
  #reportKey: string | null = null;
  #cancelledBy: OperatorAction | null = null;
  #retry: RetryRequest | null = null;
  #retryRequests = 0;
  /** The report is being written: what would change it comes too late. */
  #isClosing = false;
  #epoch: number;

  constructor(input: CampaignInput, before?: CampaignSnapshot) {
    this.#input = input;
    this.#before = before;
    this.#settings = activitySettings(input);
    this.#finished = new FinishedParts(before);
    this.#epoch = this.#finished.epochs.length;
    const retry = before?.carried?.retry;
    if (retry !== undefined) this.#retry = { action: retry.action, request: 0, epochs: new Set(retry.epochs) };
    const adapting = baselinesOf(input).filter((name) => name !== 'base').length;
    this.#clock = new CampaignClock(input, Date.now(), adapting + input.spec.epochs, before?.clock);
    const operated = { clock: this.#clock, progress: () => this.#progress(), isClosing: () => this.#isClosing, retryFailed: (action: OperatorAction) => this.#askRetry(action), cancel: (action: OperatorAction) => this.#cancel(action) };
    this.#operator = new CampaignOperator(operated, before?.carried?.steering ?? { paused: false, candidates: input.spec.concurrency.candidates });
    this.#operator.listen();
    if (this.#operator.steering.paused) this.#clock.pause(Date.now());
  }

  async run(): Promise<CampaignResult> {
    upsertSearchAttributes([...campaignAttributes(this.#input.campaignId), statusAttribute(this.#operator.state)]);
    let pinned: PinnedCampaign | null = null;
    try {
      await this.#scope.run(async () => {
        const campaign = this.#before?.carried?.campaign ?? (await bookkeepingActivities(this.#settings).pinInputs(this.#input));
        pinned = campaign;
        this.#archive = new HistoryArchive(campaign, 'campaign', this.#settings, this.#before?.archive);
        if (!(await this.#runParts(campaign))) await this.#continueAsNew(campaign);
      });
    } catch (error) {
      if (error instanceof ContinueAsNew) throw error;
      await this.#stop(error, pinned);
      return this.#result();
    }
    this.#phase = 'report';
    // Cancelling a report that is being written would gain nothing.
    await CancellationScope.nonCancellable(() => this.#conclude('completed', pinned));
    return this.#result();
  }

  /** What is not finished yet, in order. @returns false where the rest belongs into a new run */
  async #runParts(campaign: PinnedCampaign): Promise<boolean> {
    const { timings } = this.#settings;
    // Held-out scores before any RL: what is to be improved on, and what a fair comparison needs.
    for (const name of baselinesOf(this.#input)) {
      if (this.#finished.has(name)) continue;
      if (shouldContinueAsNew(timings)) return false;
      this.#phase = `evaluating ${name}`;
      await this.#evaluate(campaign, name, rowsOf(name, this.#finished.methods));
    }
    for (;;) {
      if (shouldContinueAsNew(timings)) return false;
      const { unevaluated, epochs } = this.#finished;
      if (unevaluated !== null) await this.#evaluatePolicy(campaign, unevaluated);
      else if (this.#retry !== null) await this.#retryFailed(campaign, this.#retry);
      else if (epochs.length < this.#input.spec.epochs) await this.#runEpoch(campaign, this.#finished.nextEpoch());
      else return true;
    }
  }

  /** What operators have asked for meanwhile goes along, and a cancellation ends this run instead. */
  async #continueAsNew(campaign: PinnedCampaign): Promise<never> {
    await condition(allHandlersFinished);
    const retry = this.#retry && { retry: { action: this.#retry.action, epochs: [...this.#retry.epochs] } };
    return continueUnlessCancelled<typeof campaignWorkflow>(this.#input, { ...this.#snapshot(), carried: { campaign, steering: this.#operator.steering, ...retry } });
  }

  async #evaluate(campaign: PinnedCampaign, method: string, rows: EvaluatedRows, version = 1): Promise<void> {
    await condition(() => !this.#operator.steering.paused);
    const { evaluation } = this.#input.spec;
    const perContext = rows.kind === 'self-edits' ? evaluation.selfEditsPerContext : 1;
    const fineTunes = rows.kind === 'unadapted' ? 0 : this.#input.heldOutContexts.length * perContext * evaluation.repeats;
    this.#clock.begin({ candidates: false, fineTunesEach: 1 });
    const context = this.#partContext(campaign, this.#finished.policyAdapters);
    const child = await startEvaluation(context, method, rows, version);
    await this.#operator.adopt(child, context.steering);
    try {
      const { score } = await resultOf(child);
      this.#finished.addMethod(score);
      this.#clock.end(fineTunes);
    } finally {
      await this.#ended(child.workflowId);
    }
  }

  async #evaluatePolicy(campaign: PinnedCampaign, { summary: { epoch }, versions }: FinishedEpoch): Promise<void> {
    this.#phase = `epoch ${epoch}: evaluating ${sealMethod(epoch)}`;
    await this.#evaluate(campaign, sealMethod(epoch), { kind: 'self-edits' }, versions.policy);
  }

  async #runEpoch(campaign: PinnedCampaign, versions: EpochVersion): Promise<void> {
    await condition(() => !this.#operator.steering.paused);
    const { epoch } = versions;
    const before = this.#finished.policyAdapters;
    this.#epoch = epoch;
    this.#phase = `epoch ${epoch}`;
    this.#clock.begin({ candidates: true, fineTunesEach: this.#input.spec.innerLoop.repeats });
    const context = this.#partContext(campaign, before);
    const child = await startEpoch(context, versions);
    await this.#operator.adopt(child, context.steering);
    try {
      const { summary, policyAdapters, retryable, retriesServed } = await resultOf(child);
      const adapters = policyAdapters ?? before;
      if (adapters.length === before.length) log.warn('nothing was kept: the policy stays as it is', { epoch });
      this.#finished.addEpoch({ summary, versions, policyAdapters: adapters, retryable });
      // Asked too late for the epoch itself to hear of it.
      if (this.#retry !== null && retriesServed < this.#retry.request) this.#retry = { ...this.#retry, epochs: new Set([...this.#retry.epochs, epoch]) };
      this.#clock.end(summary.proposed, summary);
    } finally {
      await this.#ended(child.workflowId);
    }
  }

  /** The first epoch with failed candidates has them tried again; where that changes its policy, what came after it counts no more. */
  async #retryFailed(campaign: PinnedCampaign, { action, epochs }: RetryRequest): Promise<void> {
    const toRetry = this.#finished.toRetry(epochs);
    if (toRetry === null) {
      this.#retry = null;
      return;
    }
    const { epoch, policyBefore } = toRetry;
    await condition(() => !this.#operator.steering.paused);
    this.#epoch = epoch.summary.epoch;
    this.#phase = `epoch ${this.#epoch}: trying ${epoch.retryable} failed candidates again`;
    const context = this.#partContext(campaign, policyBefore);
    this.#clock.forget(epoch.summary);
    this.#clock.begin({ candidates: true, fineTunesEach: 0 });
    const version = this.#finished.retryVersion;
    const child = await startEpoch(context, { ...epoch.versions, selection: version, policy: version }, epoch.versions);
    await this.#operator.adopt(child, context.steering);
    try {
      const result = await resultOf(child);
      this.#clock.end(result.summary.proposed, result.summary);
      const revision = this.#finished.revisedBy(toRetry, result, this.#input.spec.epochs);
      await bookkeepingActivities(this.#settings).recordRevision({ campaign, action, ...revision.record });
      this.#clock.again(revision.stale.map(({ summary }) => summary), this.#finished.methods.length - revision.methods.length);
      this.#finished.accept(revision);
      this.#epoch = this.#finished.epochs.length;
      // What failed again would fail a third time: that is for another request.
      this.#retry = { action, request: this.#retryRequests, epochs: new Set([...epochs].filter((one) => one > epoch.summary.epoch)) };
    } finally {
      await this.#ended(child.workflowId);
    }
  }

  /** @returns the request's number */
  #askRetry({ by, why }: OperatorAction): number {
    this.#retryRequests += 1;
    this.#retry = { action: { by, why }, request: this.#retryRequests, epochs: new Set([...(this.#retry?.epochs ?? []), ...this.#finished.withFailed]) };
    return this.#retryRequests;
  }

  /** A part is over, well or not: it is steered no more, and its history is kept. */
  async #ended(workflowId: string): Promise<void> {
    this.#operator.release();
    this.#archive?.add(workflowId);
    if (!CancellationScope.current().consideredCancelled) await this.#archive?.flush();
  }

  #partContext(campaign: PinnedCampaign, policyAdapters: readonly string[]): PartContext {
    const { steering } = this.#operator;
    return { input: this.#input, campaign, epoch: this.#epoch, policyAdapters, settings: this.#settings, steering };
  }

  #cancel(action: OperatorAction): void {
    const { by, why } = action;
    this.#cancelledBy = { by, why };
    this.#phase = `cancelling, asked by ${by}`;
    this.#scope.cancel();
  }

  /** A campaign that cannot or shall not go on leaves its report of what there is. */
  async #stop(error: unknown, pinned: PinnedCampaign | null): Promise<void> {
    const state = isCancellation(error) ? 'cancelled' : 'failed';
    this.#clock.halt();
    this.#phase = state === 'failed' ? `failed: ${reasonOf(error)}` : `cancelled by ${this.#cancelledBy?.by ?? 'Temporal'}`;
    await CancellationScope.nonCancellable(() => this.#conclude(state, pinned));
    if (state === 'failed') throw ApplicationFailure.nonRetryable(reasonOf(error), 'CampaignFailed', this.#result());
    // Cancelled through Temporal instead of an Update: then it is Temporal's state as well.
    if (this.#cancelledBy === null) throw error;
  }

  async #conclude(state: CampaignState, pinned: PinnedCampaign | null): Promise<void> {
    this.#isClosing = true;
    if (pinned !== null) {
      try {
        await this.#archive?.flush();
        const task = { campaign: pinned, state, wallSeconds: this.#clock.wallSeconds(Date.now()), revision: this.#finished.revision };
        const { key } = await bookkeepingActivities(this.#settings).writeReport(task);
        this.#reportKey = key;
        await startArchivist(pinned, this.#settings, workflowInfo().runId);
      } catch (error) {
        if (state === 'completed') throw error;
        // What ended the campaign must not be hidden by the report's own failure.
        log.error('no partial report could be written', { error });
      }
    }
    this.#operator.state = state;
    if (state === 'completed') this.#phase = 'completed';
    upsertSearchAttributes([statusAttribute(state)]);
    await condition(allHandlersFinished);
  }

  #result(): CampaignResult {
    const { methods, epochs, policyAdapters } = this.#finished;
    return { state: this.#operator.state, report: this.#reportKey, methods, epochs: epochs.map(({ summary }) => summary), policyAdapters, snapshot: this.#snapshot() };
  }

  #snapshot(): CampaignSnapshot {
    const { methods, epochs, revision } = this.#finished;
    return {
      methods,
      epochs,
      revision,
      clock: this.#clock.reading(Date.now()),
      archive: this.#archive?.state ?? this.#before?.archive ?? { pages: 0, waiting: [] },
    };
  }

  #progress(): CampaignProgress {
    const standing = {
      campaignId: this.#input.campaignId,
      state: this.#operator.state,
      epoch: this.#epoch,
      phase: this.#phase,
      reportKey: this.#reportKey,
      epochs: this.#finished.epochs.map(({ summary }) => summary),
    };
    return describeProgress(standing, this.#clock, Date.now());
  }
}
