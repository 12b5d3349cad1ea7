/**
 * A campaign: baselines, epochs of ReST-EM with an evaluation after each, and a report.
 * Source: paper, "RL Optimization" and "Knowledge Incorporation".
 */
import { allHandlersFinished, ApplicationFailure, CancellationScope, condition, ContinueAsNew, isCancellation, log, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { PinnedCampaign } from '../activities/activity-types';
import type { CampaignInput, CampaignProgress, CampaignState, OperatorAction } from '../campaign/campaign';
import { type Stage, stagesOf } from '../seal/algorithm/stages';
import { FinishedStages } from './campaign/finished-stages';
import { CampaignOperator } from './campaign/operator';
import { type CampaignPart, type PartContext, resultOf, startEpoch, startEvaluation } from './campaign/parts';
import { CampaignClock, describeProgress } from './campaign/progress';
import type { CampaignSnapshot, EpochsToRetry } from './campaign/snapshot';
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
  /** Manifest key of the last policy; null: the base. */
  readonly policy: string | null;
  /** As it ended. */
  readonly progress: CampaignProgress;
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

interface RetryRequest extends EpochsToRetry {
  /** Its number in this run, from 1; 0 of one that an earlier run was asked for. */
  readonly request: number;
}

class Campaign {
  readonly #input: CampaignInput;
  readonly #settings;
  readonly #before: CampaignSnapshot | undefined;
  readonly #finished: FinishedStages;
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
    const stages = stagesOf(input.spec);
    this.#finished = new FinishedStages(stages, before?.finished);
    this.#epoch = this.#finished.epoch;
    const retry = before?.carried?.retry;
    if (retry !== undefined) this.#retry = { ...retry, request: 0 };
    const adapting = stages.filter((stage) => stage.kind === 'evaluate' && stage.rows.kind !== 'unadapted').length;
    this.#clock = new CampaignClock(input, Date.now(), adapting, before?.clock);
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
        if (!(await this.#runStages(campaign))) await this.#continueAsNew(campaign);
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

  /** The stages that are not finished yet, in order. @returns false where the rest belongs into a new run */
  async #runStages(campaign: PinnedCampaign): Promise<boolean> {
    for (;;) {
      if (shouldContinueAsNew(this.#settings.timings)) return false;
      const { next } = this.#finished;
      if (next?.kind === 'evaluate') await this.#evaluate(campaign, next);
      else if (this.#retry !== null) await this.#retryFailed(campaign, this.#retry);
      else if (next === undefined) return true;
      else await this.#runEpoch(campaign, next.epoch);
    }
  }

  /** What operators have asked for meanwhile goes along, and a cancellation ends this run instead. */
  async #continueAsNew(campaign: PinnedCampaign): Promise<never> {
    await condition(allHandlersFinished);
    const retry = this.#retry && { retry: { action: this.#retry.action, from: this.#retry.from, to: this.#retry.to } };
    return continueUnlessCancelled<typeof campaignWorkflow>(this.#input, { ...this.#snapshot(), carried: { campaign, steering: this.#operator.steering, ...retry } });
  }

  async #evaluate(campaign: PinnedCampaign, { method, epoch, rows }: Extract<Stage, { kind: 'evaluate' }>): Promise<void> {
    this.#phase = `${epoch === 0 ? '' : `epoch ${epoch}: `}evaluating ${method}`;
    await condition(() => !this.#operator.steering.paused);
    const { evaluation } = this.#input.spec;
    const perContext = rows.kind === 'self-edits' ? evaluation.selfEditsPerContext : 1;
    const fineTunes = rows.kind === 'unadapted' ? 0 : this.#input.contexts.heldOut * perContext * evaluation.repeats;
    this.#clock.begin({ candidates: false, fineTunesEach: 1 });
    const context = this.#partContext(campaign, this.#finished.policy);
    await this.#runPart(await startEvaluation(context, method, rows, this.#finished.evaluatedVersion(epoch)), context, () => {
      this.#finished.evaluated();
      this.#clock.end(fineTunes);
      return Promise.resolve();
    });
  }

  async #runEpoch(campaign: PinnedCampaign, epoch: number): Promise<void> {
    await condition(() => !this.#operator.steering.paused);
    const before = this.#finished.policy;
    const versions = this.#finished.versionsOf(epoch);
    this.#epoch = epoch;
    this.#phase = `epoch ${epoch}`;
    this.#clock.begin({ candidates: true, fineTunesEach: this.#input.spec.innerLoop.repeats });
    const context = this.#partContext(campaign, before);
    await this.#runPart(await startEpoch(context, versions), context, (result) => {
      if (result.policy === before) log.warn('nothing was kept: the policy stays as it is', { epoch });
      this.#finished.epochEnded(versions, result);
      // Asked too late for the epoch itself to hear of it.
      if (this.#retry !== null && result.retriesServed < this.#retry.request) this.#retry = { ...this.#retry, to: epoch };
      this.#clock.end(result.summary.proposed, result.summary);
      return Promise.resolve();
    });
  }

  /** The first epoch with failed candidates has them tried again; where that changes its policy, what came after it is superseded. */
  async #retryFailed(campaign: PinnedCampaign, request: RetryRequest): Promise<void> {
    const { action, from, to } = request;
    const { findFailedEpoch, recordRevision } = bookkeepingActivities(this.#settings);
    const failed = from > to ? null : await findFailedEpoch({ campaign, from, to });
    // Asked again meanwhile: that request begins with the first epoch.
    const isReplaced = (): boolean => this.#retry !== request;
    if (failed === null) {
      if (!isReplaced()) this.#retry = null;
      return;
    }
    const { versions, summary, retryable, policyBefore } = failed;
    const { epoch } = versions;
    await condition(() => !this.#operator.steering.paused);
    this.#epoch = epoch;
    this.#phase = `epoch ${epoch}: trying ${retryable} failed candidates again`;
    const context = this.#partContext(campaign, policyBefore);
    this.#clock.forget(summary);
    this.#clock.begin({ candidates: true, fineTunesEach: 0 });
    await this.#runPart(await startEpoch(context, this.#finished.retriedVersions(versions), versions), context, async (result) => {
      this.#clock.end(result.summary.proposed, result.summary);
      const revision = { revision: this.#finished.revision + 1, retried: { epoch, candidates: retryable }, changed: !result.isAsBefore, finished: this.#finished.epoch };
      const superseded = await recordRevision({ campaign, action, ...revision });
      this.#clock.again(superseded, this.#finished.retried(failed, result, superseded));
      this.#epoch = this.#finished.epoch;
      // What failed again would fail a third time: that is for another request.
      if (!isReplaced()) this.#retry = { ...request, from: epoch + 1, to: Math.min(to, this.#finished.epoch) };
    });
  }

  /** Steers a part until it ends, and takes its result. */
  async #runPart<Result>(part: CampaignPart & { result(): Promise<Result> }, { steering }: PartContext, take: (result: Result) => Promise<void>): Promise<void> {
    await this.#operator.adopt(part, steering);
    try {
      await take(await resultOf<Result>(part));
    } finally {
      await this.#ended(part.workflowId);
    }
  }

  /** @returns the request's number */
  #askRetry({ by, why }: OperatorAction): number {
    this.#retryRequests += 1;
    this.#retry = { action: { by, why }, request: this.#retryRequests, from: 1, to: this.#finished.epoch };
    return this.#retryRequests;
  }

  /** A part is over, well or not: it is steered no more, and its history is kept. */
  async #ended(workflowId: string): Promise<void> {
    this.#operator.release();
    this.#archive?.add(workflowId);
    if (!CancellationScope.current().consideredCancelled) await this.#archive?.flush();
  }

  #partContext(campaign: PinnedCampaign, policy: string | null): PartContext {
    const { steering } = this.#operator;
    return { input: this.#input, campaign, epoch: this.#epoch, policy, settings: this.#settings, steering };
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
    return { state: this.#operator.state, report: this.#reportKey, policy: this.#finished.policy, progress: this.#progress(), snapshot: this.#snapshot() };
  }

  #snapshot(): CampaignSnapshot {
    return {
      finished: this.#finished.state,
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
      tiedEpochs: this.#finished.state.tiedEpochs,
    };
    return describeProgress(standing, this.#clock, Date.now());
  }
}
