/**
 * A campaign: baselines, epochs of ReST-EM with an evaluation after each, and a report.
 * Source: paper, "RL Optimization" and "Knowledge Incorporation".
 */
import { allHandlersFinished, ApplicationFailure, CancellationScope, condition, continueAsNew, isCancellation, log, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { PinnedCampaign } from '../activities/activity-types';
import { type CampaignInput, type CampaignProgress, type CampaignState, type EpochSummary, type EpochVersion, type MethodScore, type OperatorAction } from '../contracts/campaign';
import { baselinesOf, rowsOf } from './campaign/baselines';
import { FinishedParts, sealMethod } from './campaign/finished-parts';
import { CampaignOperator } from './campaign/operator';
import { type PartContext, resultOf, startEpoch, startEvaluation } from './campaign/parts';
import { CampaignClock, describeProgress } from './campaign/progress';
import type { CampaignSnapshot, FinishedEpoch } from './campaign/snapshot';
import type { EvaluatedRows } from './evaluation';
import { isPageFull } from './fan-out/page-of-history';
import { startArchivist } from './record/archivist';
import { HistoryArchive } from './record/history-archive';
import { campaignAttributes, statusAttribute } from './record/search-attributes';
import { activitySettings, bookkeepingActivities } from './work/activity-options';
import { reasonOf, SpentSum } from './work/ledger';

export interface CampaignResult {
  readonly state: CampaignState;
  /** Manifest key of the report. */
  readonly report: string | null;
  readonly methods: readonly MethodScore[];
  readonly epochs: readonly EpochSummary[];
  /** Manifest keys of the last policy's adapters. */
  readonly policyAdapters: readonly string[];
  /** What `retry-failed` begins with. Absent in campaigns of the first version. */
  readonly snapshot?: CampaignSnapshot;
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
  readonly epochs: ReadonlySet<number>;
}

class Campaign {
  readonly #input: CampaignInput;
  readonly #settings;
  readonly #before: CampaignSnapshot | undefined;
  readonly #spent: SpentSum;
  readonly #finished: FinishedParts;
  readonly #clock: CampaignClock;
  readonly #operator: CampaignOperator;
  readonly #scope = new CancellationScope();
  #archive: HistoryArchive | null = null;
  #phase = 'pinning inputs';
  #reportKey: string | null = null;
  #cancelledBy: OperatorAction | null = null;
  #retry: RetryRequest | null = null;
  #epoch: number;

  constructor(input: CampaignInput, before?: CampaignSnapshot) {
    this.#input = input;
    this.#before = before;
    this.#settings = activitySettings(input);
    this.#spent = new SpentSum(before?.spent);
    this.#finished = new FinishedParts(before);
    this.#epoch = this.#finished.epochs.length;
    const retry = before?.carried?.retry;
    if (retry !== undefined) this.#retry = { action: retry.action, epochs: new Set(retry.epochs) };
    const adapting = baselinesOf(input).filter((name) => name !== 'base').length;
    this.#clock = new CampaignClock(input, Date.now(), adapting + input.spec.epochs, before?.clock);
    const operated = { clock: this.#clock, progress: () => this.#progress(), retryFailed: (action: OperatorAction) => this.#askRetry(action), cancel: (action: OperatorAction) => this.#cancel(action) };
    this.#operator = new CampaignOperator(operated, before?.carried?.steering ?? { paused: false, candidates: input.spec.concurrency.candidates });
    this.#operator.listen();
  }

  async run(): Promise<CampaignResult> {
    upsertSearchAttributes(campaignAttributes(this.#input.campaignId));
    let pinned: PinnedCampaign | null = null;
    let isPageTurned = false;
    try {
      await this.#scope.run(async () => {
        const campaign = this.#before?.carried?.campaign ?? (await bookkeepingActivities(this.#settings, this.#spent).pinInputs(this.#input));
        pinned = campaign;
        this.#archive = new HistoryArchive(campaign, 'campaign', this.#settings, this.#spent, this.#before?.archivedPages);
        isPageTurned = await this.#runParts(campaign);
        if (!isPageTurned) this.#phase = 'report';
      });
    } catch (error) {
      await this.#stop(error, pinned);
      return this.#result();
    }
    if (isPageTurned && pinned !== null) {
      await condition(allHandlersFinished);
      return continueAsNew<typeof campaignWorkflow>(this.#input, { ...this.#snapshot(), carried: { campaign: pinned, steering: this.#operator.steering, ...(this.#retry && { retry: { action: this.#retry.action, epochs: [...this.#retry.epochs] } }) } });
    }
    // Cancelling a report that is being written would gain nothing.
    await CancellationScope.nonCancellable(() => this.#conclude('completed', pinned));
    return this.#result();
  }

  /** What is not finished yet, in order. @returns whether the rest belongs into a new run */
  async #runParts(campaign: PinnedCampaign): Promise<boolean> {
    const isPageTurned = (): boolean => isPageFull(this.#settings.timings);
    // Held-out scores before any RL: what is to be improved on, and what a fair comparison needs.
    for (const name of baselinesOf(this.#input)) {
      if (this.#finished.has(name)) continue;
      if (isPageTurned()) return true;
      this.#phase = `evaluating ${name}`;
      await this.#evaluate(campaign, name, rowsOf(name, this.#finished.methods));
    }
    for (;;) {
      if (isPageTurned()) return true;
      const { unevaluated, epochs } = this.#finished;
      if (unevaluated !== null) await this.#evaluatePolicy(campaign, unevaluated);
      else if (this.#retry !== null) await this.#retryFailed(campaign, this.#retry);
      else if (epochs.length < this.#input.spec.epochs) await this.#runEpoch(campaign, this.#finished.nextEpoch());
      else return false;
    }
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
      const { score, spent } = await resultOf(child);
      this.#finished.addMethod(score);
      this.#spent.add(spent);
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
      const { summary, policyAdapters, spent, retryable = 0, hasRetried = false } = await resultOf(child);
      const adapters = policyAdapters ?? before;
      if (adapters.length === before.length) log.warn('nothing was kept: the policy stays as it is', { epoch });
      this.#finished.addEpoch({ summary, versions, policyAdapters: adapters, retryable });
      // Asked too late for the epoch itself to hear of it.
      if (this.#retry !== null && !hasRetried) this.#retry = { ...this.#retry, epochs: new Set([...this.#retry.epochs, epoch]) };
      this.#spent.add(spent);
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
      this.#spent.add(result.spent);
      this.#clock.end(result.summary.proposed, result.summary);
      const revision = this.#finished.revisedBy(toRetry, result, this.#input.spec.epochs);
      await bookkeepingActivities(this.#settings, this.#spent).recordRevision({ campaign, action, ...revision.record });
      this.#clock.again(revision.stale.map(({ summary }) => summary), this.#finished.methods.length - revision.methods.length);
      this.#finished.accept(revision);
      this.#epoch = this.#finished.epochs.length;
      // What failed again would fail a third time: that is for another request.
      this.#retry = { action, epochs: new Set([...epochs].filter((one) => one > epoch.summary.epoch)) };
    } finally {
      await this.#ended(child.workflowId);
    }
  }

  #askRetry({ by, why }: OperatorAction): void {
    this.#retry = { action: { by, why }, epochs: new Set([...(this.#retry?.epochs ?? []), ...this.#finished.withFailed]) };
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
    if (pinned !== null) {
      try {
        await this.#archive?.flush();
        const task = { campaign: pinned, state, ledger: this.#ledger(), revision: this.#finished.revision };
        const { key } = await bookkeepingActivities(this.#settings, this.#spent).writeReport(task);
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
      spent: this.#spent.total,
      clock: this.#clock.reading(Date.now()),
      archivedPages: this.#archive?.pages ?? this.#before?.archivedPages ?? 0,
    };
  }

  #ledger() {
    return { wallSeconds: this.#clock.wallSeconds(Date.now()), ...this.#spent.total };
  }

  #progress(): CampaignProgress {
    const standing = {
      campaignId: this.#input.campaignId,
      state: this.#operator.state,
      epoch: this.#epoch,
      phase: this.#phase,
      reportKey: this.#reportKey,
      ledger: this.#ledger(),
      epochs: this.#finished.epochs.map(({ summary }) => summary),
    };
    return describeProgress(standing, this.#clock, Date.now());
  }
}
