/**
 * A campaign: baselines, epochs of ReST-EM with an evaluation after each, and a report.
 * Source: paper, "RL Optimization" and "Knowledge Incorporation".
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  ChildWorkflowCancellationType,
  type ChildWorkflowHandle,
  condition,
  isCancellation,
  log,
  ParentClosePolicy,
  setHandler,
  startChild,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { PinnedCampaign } from '../activities/activity-types';
import {
  type CampaignInput,
  type CampaignProgress,
  type CampaignState,
  type EpochSummary,
  type MethodScore,
  type OperatorAction,
  workflowIds,
} from '../contracts/campaign';
import { stepMatchedBudget } from '../seal/rest-em';
import { activitySettings, bookkeepingActivities } from './activity-options';
import { type epochWorkflow, type EpochInput } from './epoch';
import { type EvaluatedRows, type EvaluationInput, type evaluationWorkflow } from './evaluation';
import { reasonOf, SpentSum } from './ledger';
import {
  advanceSignal,
  cancelUpdate,
  pauseUpdate,
  progressQuery,
  resumeUpdate,
  setConcurrencyUpdate,
  steerSignal,
  type Steering,
} from './messages';
import { CampaignClock, describeProgress } from './progress';
import { campaignAttributes, epochAttributes, statusAttribute } from './search-attributes';

export interface CampaignResult {
  readonly state: CampaignState;
  /** Manifest key of the report. */
  readonly report: string | null;
  readonly methods: readonly MethodScore[];
  readonly epochs: readonly EpochSummary[];
  /** Manifest keys of the last policy's adapters. */
  readonly policyAdapters: readonly string[];
}

type RunningChild = ChildWorkflowHandle<typeof epochWorkflow> | ChildWorkflowHandle<typeof evaluationWorkflow>;

/** Highest `concurrency.candidates`: a workflow may have at most 2,000 pending children, and needs room for all else. */
const MAX_CANDIDATES_AT_ONCE = 400;

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
  readonly #scope = new CancellationScope();
  #steering: Steering;
  #state: CampaignState = 'running';
  #epoch = 0;
  #phase = 'pinning inputs';
  #reportKey: string | null = null;
  #child: RunningChild | null = null;
  #policyAdapters: readonly string[] = [];
  #cancelledBy: OperatorAction | null = null;
  readonly #methods: MethodScore[] = [];
  readonly #epochs: EpochSummary[] = [];

  constructor(input: CampaignInput) {
    this.#input = input;
    this.#settings = activitySettings(input);
    this.#steering = { paused: false, candidates: input.spec.concurrency.candidates };
    const adapting = baselinesOf(input).filter((name) => name !== 'base').length;
    this.#clock = new CampaignClock(input, Date.now(), adapting + input.spec.epochs);
    this.#handleMessages();
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
      await this.#evaluate(campaign, name, this.#rowsOf(name));
    }
  }

  #rowsOf(baseline: Baseline): EvaluatedRows {
    switch (baseline) {
      case 'base':
        return { kind: 'unadapted' };
      case 'passage-only':
        return { kind: 'passage' };
      case 'passage-only-step-matched': {
        const selfEdits = this.#methods.find(({ name }) => name === 'self-edits');
        if (selfEdits === undefined) throw ApplicationFailure.nonRetryable('self-edits were not evaluated before their step-matched baseline');
        return { kind: 'passage', maxSteps: stepMatchedBudget([selfEdits.meanSteps]) };
      }
      case 'oracle':
        return { kind: 'oracle' };
      case 'self-edits':
        return { kind: 'self-edits' };
      case 'endpoint':
        return { kind: 'self-edits', source: 'endpoint' };
    }
  }

  async #evaluate(campaign: PinnedCampaign, method: string, rows: EvaluatedRows): Promise<void> {
    await condition(() => !this.#steering.paused);
    const { spec, campaignId, heldOutContexts } = this.#input;
    const perContext = rows.kind === 'self-edits' ? spec.evaluation.selfEditsPerContext : 1;
    const fineTunes = rows.kind === 'unadapted' ? 0 : heldOutContexts.length * perContext * spec.evaluation.repeats;
    this.#clock.begin({ candidates: false, fineTunesEach: 1 });
    const input: EvaluationInput = {
      campaign,
      method,
      policyAdapters: this.#policyAdapters,
      rows,
      contexts: heldOutContexts.length,
      spec: { proposals: spec.proposals, evaluation: spec.evaluation, concurrency: spec.concurrency },
      settings: this.#settings,
      steering: this.#steering,
    };
    const child = await startChild<typeof evaluationWorkflow>('evaluationWorkflow', {
      workflowId: workflowIds.evaluation(campaignId, method),
      args: [input],
      typedSearchAttributes: epochAttributes(campaignId, this.#epoch),
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    });
    await this.#adopt(child, input.steering);
    try {
      const { score, spent } = await child.result();
      this.#methods.push(score);
      this.#spent.add(spent);
      this.#clock.end(fineTunes);
    } finally {
      this.#child = null;
    }
  }

  async #runEpoch(campaign: PinnedCampaign, epoch: number): Promise<void> {
    await condition(() => !this.#steering.paused);
    const { spec, campaignId, trainContexts } = this.#input;
    this.#epoch = epoch;
    this.#phase = `epoch ${epoch}`;
    this.#clock.begin({ candidates: true, fineTunesEach: spec.innerLoop.repeats });
    const { proposals, reward, selection, concurrency } = spec;
    const input: EpochInput = {
      campaign,
      epoch,
      policyAdapters: this.#policyAdapters,
      contexts: trainContexts,
      spec: { proposals, reward, selection, concurrency, repeats: spec.innerLoop.repeats },
      settings: this.#settings,
      steering: this.#steering,
    };
    const child = await startChild<typeof epochWorkflow>('epochWorkflow', {
      workflowId: workflowIds.epoch(campaignId, epoch),
      args: [input],
      typedSearchAttributes: epochAttributes(campaignId, epoch),
      parentClosePolicy: ParentClosePolicy.REQUEST_CANCEL,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    });
    await this.#adopt(child, input.steering);
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
      this.#child = null;
    }
    this.#phase = `epoch ${epoch}: evaluating seal-epoch-${epoch}`;
    await this.#evaluate(campaign, `seal-epoch-${epoch}`, { kind: 'self-edits' });
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
    this.#state = state;
    if (state === 'completed') this.#phase = 'completed';
    upsertSearchAttributes([statusAttribute(state)]);
    await condition(allHandlersFinished);
  }

  #result(): CampaignResult {
    const methods = [...this.#methods];
    return { state: this.#state, report: this.#reportKey, methods, epochs: [...this.#epochs], policyAdapters: this.#policyAdapters };
  }

  #ledger() {
    return { wallSeconds: this.#clock.wallSeconds(Date.now()), ...this.#spent.total };
  }

  #progress(): CampaignProgress {
    const standing = {
      campaignId: this.#input.campaignId,
      state: this.#state,
      epoch: this.#epoch,
      phase: this.#phase,
      reportKey: this.#reportKey,
      ledger: this.#ledger(),
    };
    return describeProgress(standing, this.#clock, Date.now());
  }

  #handleMessages(): void {
    setHandler(progressQuery, () => this.#progress());
    setHandler(advanceSignal, (advance) => this.#clock.advance(advance));
    const validator = (action: OperatorAction): void => {
      refuseAnonymous(action);
      if (this.#state !== 'running' && this.#state !== 'paused') throw ApplicationFailure.nonRetryable(`the campaign is ${this.#state}`, 'NotRunning');
    };
    setHandler(
      pauseUpdate,
      async () => {
        this.#clock.pause(Date.now());
        await this.#steer({ ...this.#steering, paused: true }, 'paused');
        return this.#progress();
      },
      { validator },
    );
    setHandler(
      resumeUpdate,
      async () => {
        this.#clock.resume(Date.now());
        await this.#steer({ ...this.#steering, paused: false }, 'running');
        return this.#progress();
      },
      { validator },
    );
    setHandler(
      setConcurrencyUpdate,
      async ({ candidates }) => {
        await this.#steer({ ...this.#steering, candidates }, this.#state);
        return this.#progress();
      },
      {
        validator: (action: OperatorAction & { readonly candidates: number }) => {
          validator(action);
          const { candidates } = action;
          if (!Number.isInteger(candidates) || candidates < 1 || candidates > MAX_CANDIDATES_AT_ONCE) {
            throw ApplicationFailure.nonRetryable(`candidates: expected 1 to ${MAX_CANDIDATES_AT_ONCE}, got ${candidates}`, 'BadInputError');
          }
        },
      },
    );
    setHandler(
      cancelUpdate,
      ({ by, why }) => {
        this.#cancelledBy = { by, why };
        this.#phase = `cancelling, asked by ${by}`;
        this.#scope.cancel();
        return this.#progress();
      },
      { validator },
    );
  }

  /** From now on this child is steered; what was said while it started is told to it now. */
  async #adopt(child: RunningChild, startedWith: Steering): Promise<void> {
    this.#child = child;
    if (startedWith !== this.#steering) await this.#steer(this.#steering, this.#state);
  }

  /** Takes effect here at once, and in the running epoch or evaluation as soon as it hears of it. */
  async #steer(steering: Steering, state: CampaignState): Promise<void> {
    this.#steering = steering;
    if (state !== this.#state) upsertSearchAttributes([statusAttribute(state)]);
    this.#state = state;
    try {
      await this.#child?.signal(steerSignal, steering);
    } catch (error) {
      // It has just finished: the next one starts with this steering.
      log.info('the running part was not there to be steered', { error });
    }
  }
}

type Baseline = CampaignInput['spec']['evaluation']['baselines'][number];

/** In an order that lets the step-matched one know what it is matched to; it brings the self-edits along. */
function baselinesOf({ spec }: CampaignInput): Baseline[] {
  const asked = new Set<Baseline>(spec.evaluation.baselines);
  if (asked.has('passage-only-step-matched')) asked.add('self-edits');
  const order: Baseline[] = ['base', 'passage-only', 'self-edits', 'passage-only-step-matched', 'oracle', 'endpoint'];
  return order.filter((name) => asked.has(name));
}

function refuseAnonymous({ by, why }: OperatorAction): void {
  for (const [field, value] of Object.entries({ by, why })) {
    if (typeof value !== 'string' || value.trim() === '') throw ApplicationFailure.nonRetryable(`${field}: expected who and why, got nothing`, 'BadInputError');
  }
}
