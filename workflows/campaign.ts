/**
 * A campaign: baselines, epochs of ReST-EM with an evaluation after each, and a report.
 * Source: paper, "RL Optimization" and "Knowledge Incorporation".
 */
import { allHandlersFinished, ApplicationFailure, CancellationScope, condition, isCancellation, log, upsertSearchAttributes } from '@temporalio/workflow';
import type { PinnedCampaign } from '../activities/activity-types';
import type { CampaignInput, CampaignProgress, CampaignState, EpochSummary, MethodScore, OperatorAction } from '../contracts/campaign';
import { activitySettings, bookkeepingActivities } from './activity-options';
import { baselinesOf, rowsOf } from './campaign-baselines';
import { CampaignOperator } from './campaign-operator';
import { type PartContext, startEpoch, startEvaluation } from './campaign-parts';
import type { EvaluatedRows } from './evaluation';
import { reasonOf, SpentSum } from './ledger';
import { CampaignClock, describeProgress } from './progress';
import { campaignAttributes, statusAttribute } from './search-attributes';

export interface CampaignResult {
  readonly state: CampaignState;
  /** Manifest key of the report. */
  readonly report: string | null;
  readonly methods: readonly MethodScore[];
  readonly epochs: readonly EpochSummary[];
  /** Manifest keys of the last policy's adapters. */
  readonly policyAdapters: readonly string[];
}

/**
 * Runs a campaign to its report. Cancelled by an operator's Update it ends with state `cancelled` and a partial report;
 * cancelled through Temporal it ends as cancelled there, with the same report; where it cannot go on it fails, with one too.
 */
export async function campaignWorkflow(input: CampaignInput): Promise<CampaignResult> {
  return new Campaign(input).run();
}

class Campaign {
  readonly #input: CampaignInput;
  readonly #settings;
  readonly #spent = new SpentSum();
  readonly #clock: CampaignClock;
  readonly #operator: CampaignOperator;
  readonly #scope = new CancellationScope();
  #epoch = 0;
  #phase = 'pinning inputs';
  #reportKey: string | null = null;
  #policyAdapters: readonly string[] = [];
  #cancelledBy: OperatorAction | null = null;
  readonly #methods: MethodScore[] = [];
  readonly #epochs: EpochSummary[] = [];

  constructor(input: CampaignInput) {
    this.#input = input;
    this.#settings = activitySettings(input);
    const adapting = baselinesOf(input).filter((name) => name !== 'base').length;
    this.#clock = new CampaignClock(input, Date.now(), adapting + input.spec.epochs);
    const operated = { clock: this.#clock, progress: () => this.#progress(), cancel: (action: OperatorAction) => this.#cancel(action) };
    this.#operator = new CampaignOperator(operated, input.spec.concurrency.candidates);
    this.#operator.listen();
  }

  async run(): Promise<CampaignResult> {
    const { campaignId } = this.#input;
    upsertSearchAttributes(campaignAttributes(campaignId));
    let pinned: PinnedCampaign | null = null;
    try {
      await this.#scope.run(async () => {
        const campaign = await bookkeepingActivities(this.#settings).pinInputs(this.#input);
        pinned = campaign;
        await this.#baselines(campaign);
        for (let epoch = 1; epoch <= this.#input.spec.epochs; epoch += 1) await this.#runEpoch(campaign, epoch);
        this.#phase = 'report';
      });
    } catch (error) {
      await this.#stop(error, pinned);
      return this.#result();
    }
    // Cancelling a report that is being written would gain nothing.
    await CancellationScope.nonCancellable(() => this.#conclude('completed', pinned));
    return this.#result();
  }

  /** Held-out scores before any RL: what is to be improved on, and what a fair comparison needs. */
  async #baselines(campaign: PinnedCampaign): Promise<void> {
    for (const name of baselinesOf(this.#input)) {
      this.#phase = `evaluating ${name}`;
      await this.#evaluate(campaign, name, rowsOf(name, this.#methods));
    }
  }

  async #evaluate(campaign: PinnedCampaign, method: string, rows: EvaluatedRows): Promise<void> {
    await condition(() => !this.#operator.steering.paused);
    const { evaluation } = this.#input.spec;
    const perContext = rows.kind === 'self-edits' ? evaluation.selfEditsPerContext : 1;
    const fineTunes = rows.kind === 'unadapted' ? 0 : this.#input.heldOutContexts.length * perContext * evaluation.repeats;
    this.#clock.begin({ candidates: false, fineTunesEach: 1 });
    const context = this.#partContext(campaign);
    const child = await startEvaluation(context, method, rows);
    await this.#operator.adopt(child, context.steering);
    try {
      const { score, spent } = await child.result();
      this.#methods.push(score);
      this.#spent.add(spent);
      this.#clock.end(fineTunes);
    } finally {
      this.#operator.release();
    }
  }

  async #runEpoch(campaign: PinnedCampaign, epoch: number): Promise<void> {
    await condition(() => !this.#operator.steering.paused);
    this.#epoch = epoch;
    this.#phase = `epoch ${epoch}`;
    this.#clock.begin({ candidates: true, fineTunesEach: this.#input.spec.innerLoop.repeats });
    const context = this.#partContext(campaign);
    const child = await startEpoch(context);
    await this.#operator.adopt(child, context.steering);
    try {
      const { summary, policyAdapters, spent } = await child.result();
      if (policyAdapters.length === this.#policyAdapters.length) {
        log.warn('nothing was kept: the policy stays as it is', { epoch });
      }
      this.#policyAdapters = policyAdapters;
      this.#epochs.push(summary);
      this.#spent.add(spent);
      this.#clock.end(summary.proposed, summary);
    } finally {
      this.#operator.release();
    }
    this.#phase = `epoch ${epoch}: evaluating seal-epoch-${epoch}`;
    await this.#evaluate(campaign, `seal-epoch-${epoch}`, { kind: 'self-edits' });
  }

  #partContext(campaign: PinnedCampaign): PartContext {
    const { steering } = this.#operator;
    return { input: this.#input, campaign, epoch: this.#epoch, policyAdapters: this.#policyAdapters, settings: this.#settings, steering };
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
        const { key } = await bookkeepingActivities(this.#settings).writeReport({ campaign: pinned, state, ledger: this.#ledger() });
        this.#reportKey = key;
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
    const methods = [...this.#methods];
    return { state: this.#operator.state, report: this.#reportKey, methods, epochs: [...this.#epochs], policyAdapters: this.#policyAdapters };
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
    };
    return describeProgress(standing, this.#clock, Date.now());
  }
}
