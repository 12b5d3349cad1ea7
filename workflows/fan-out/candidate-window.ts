/**
 * The fan-out of an epoch: one candidate workflow a self-edit, as many at once as the window admits, over as many runs of the epoch as
 * it takes.
 *
 * A run starts candidates as its children and hears of their end from the server. When it has enough history, the epoch goes on in a
 * new run, and what is under way is carried along: candidates outlive the run that started them.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CancellationScope, ChildWorkflowCancellationType, type ChildWorkflowHandle, condition, isCancellation, ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { AdaptationScope, CandidateSummary, EndedWorkflow } from '../../activities/activity-types';
import { type ContextRef, workflowIds } from '../../contracts/campaign';
import { FAILURE_CLASSES } from '../../contracts/failures';
import type { CandidateInput, CandidateResult, candidateWorkflow } from '../candidate';
import type { Steering } from '../messages';
import type { HistoryArchive } from '../record/history-archive';
import { candidateAttributes } from '../record/search-attributes';
import type { ActivitySettings } from '../work/activity-options';
import { classOf } from '../work/attempts';
import { reasonOf, type SpentSum } from '../work/ledger';
import { runInWindow } from './bounded-window';
import { CarriedWorkflows } from './carried-workflows';
import type { ChildProgress } from './child-progress';
import { isPageFull } from './page-of-history';

/** Where a fan-out is: all that a new run must know. Positions are places in the planned order. */
export interface WindowState {
  readonly outcomes: readonly CandidateSummary[];
  /** Not started yet, in order. */
  readonly waiting: readonly number[];
  /** Started by an earlier run. */
  readonly underWay: readonly number[];
}

export interface WindowContext {
  readonly scope: AdaptationScope;
  readonly epoch: number;
  /** Of the candidates' scope. */
  readonly version: number;
  readonly contexts: readonly ContextRef[];
  readonly groupSize: number;
  readonly repeats: number;
  readonly settings: ActivitySettings;
  readonly steering: () => Steering;
  readonly progress: ChildProgress;
  readonly archive: HistoryArchive;
  readonly spent: SpentSum;
}

export class CandidateWindow {
  readonly #context: WindowContext;
  readonly #outcomes: Map<number, CandidateSummary>;
  readonly #carried: CarriedWorkflows;
  readonly #carriedPositions: Set<number>;
  readonly #underWay = new Set<number>();
  #waiting: readonly number[];
  /** Asked of the server, which has not started them yet. */
  #starting = 0;

  constructor(context: WindowContext, state: WindowState) {
    this.#context = context;
    this.#outcomes = new Map(state.outcomes.map((outcome) => [outcome.position, outcome]));
    this.#carried = new CarriedWorkflows(context.settings);
    this.#carriedPositions = new Set(state.underWay);
    this.#waiting = state.waiting;
  }

  /** Scores what is waiting. @returns false where the rest belongs into a new run of the epoch, which begins with `state` */
  async run(): Promise<boolean> {
    const { steering, settings } = this.#context;
    const rest = await runInWindow({
      groups: this.#groups(),
      underWay: [...this.#carriedPositions],
      steering,
      run: (position) => this.#score(position),
      isOver: () => isPageFull(settings.timings),
      leavesRunning: true,
    });
    this.#waiting = rest.flat();
    // The next run asks for what it is given: the server must know all of it.
    if (rest.length > 0) await condition(() => this.#starting === 0);
    return rest.length === 0;
  }

  get state(): WindowState {
    return { outcomes: this.outcomes, waiting: this.#waiting, underWay: [...this.#underWay].sort((a, b) => a - b) };
  }

  /** Of those that have ended, in planned order. */
  get outcomes(): CandidateSummary[] {
    return [...this.#outcomes.values()].sort((a, b) => a.position - b.position);
  }

  /** Has the failed ones that another attempt may help wait again. @returns how many */
  again(): number {
    const failed = retryable(this.outcomes);
    this.#waiting = [...this.#waiting, ...failed];
    return failed.length;
  }

  /** Members of a group that wait enter together. */
  #groups(): number[][] {
    const { groupSize } = this.#context;
    const groups = new Map<number, number[]>();
    for (const position of this.#waiting) {
      const group = Math.floor(position / groupSize);
      groups.set(group, [...(groups.get(group) ?? []), position]);
    }
    return [...groups.values()];
  }

  async #score(position: number): Promise<void> {
    const { progress, spent, archive } = this.#context;
    progress.started();
    this.#underWay.add(position);
    const { outcome, result } = await this.#outcomeOf(position);
    if (result !== null) spent.add(result.spent);
    this.#underWay.delete(position);
    this.#outcomes.set(position, outcome);
    archive.add(this.#candidate(position).workflowId);
    progress.finished(outcome.status === 'scored' ? 'done' : outcome.status);
  }

  async #outcomeOf(position: number): Promise<{ outcome: CandidateSummary; result: CandidateResult | null }> {
    try {
      const result = await this.#resultOf(position);
      return { outcome: summaryOf(position, result), result };
    } catch (error) {
      if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
      // Terminated or cancelled by hand, or broken: this candidate is lost, the epoch is not.
      return { outcome: { position, status: 'failed', reason: reasonOf(error), failure: classOf(error) }, result: null };
    }
  }

  async #resultOf(position: number): Promise<CandidateResult> {
    const { workflowId } = this.#candidate(position);
    if (this.#carriedPositions.delete(position)) return resultIn(await this.#carried.outcome(workflowId));
    try {
      return await this.#execute(position);
    } catch (error) {
      // Of an epoch that was terminated: its candidates go on, and this one is what is asked for.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      return resultIn(await this.#carried.outcome(workflowId));
    }
  }

  async #execute(position: number): Promise<CandidateResult> {
    this.#starting += 1;
    const child = await this.#start(position).finally(() => (this.#starting -= 1));
    return child.result();
  }

  #start(position: number): Promise<ChildWorkflowHandle<typeof candidateWorkflow>> {
    const { scope, epoch } = this.#context;
    const { workflowId, input } = this.#candidate(position);
    return startChild<typeof candidateWorkflow>('candidateWorkflow', {
      workflowId,
      args: [input],
      typedSearchAttributes: candidateAttributes(scope.campaign.campaignId, epoch, input.contextId),
      // It outlives the run that starts it; a cancelled epoch asks it to end and waits for it.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    });
  }

  #candidate(position: number): { readonly workflowId: string; readonly input: CandidateInput } {
    const { scope, epoch, version, contexts, groupSize, repeats, settings } = this.#context;
    const { perContext } = scope;
    const contextId = contexts[Math.floor(position / perContext)]!.id;
    const candidate = (position % perContext) + 1;
    const from = Math.floor(position / groupSize) * groupSize;
    const group = { from, to: Math.min(from + groupSize, contexts.length * perContext) };
    return {
      workflowId: workflowIds.candidate(scope.campaign.campaignId, epoch, contextId, candidate, version),
      input: { scope, position, contextId, candidate, group, repeats, settings },
    };
  }
}

/** Failed candidates that another attempt may help: an input that cannot work and numbers that diverge stay what they are. */
export function retryable(outcomes: readonly CandidateSummary[]): number[] {
  return outcomes.flatMap(({ position, status, failure }) => {
    const isHopeless = failure !== undefined && failure !== 'bug' && FAILURE_CLASSES[failure].retriedBy === 'never';
    return status === 'failed' && !isHopeless ? [position] : [];
  });
}

function resultIn(ended: EndedWorkflow): CandidateResult {
  if ('failure' in ended) throw new Error(ended.failure);
  return ended.result as CandidateResult;
}

/** A rejected candidate's reason is in its record, and five thousand reasons would be too much to carry. */
function summaryOf(position: number, { outcome: { status, reward, reason, failure } }: CandidateResult): CandidateSummary {
  return {
    position,
    status,
    ...(reward === undefined ? {} : { reward }),
    ...(status === 'failed' ? { reason: reason ?? 'no reason recorded' } : {}),
    ...(failure === undefined ? {} : { failure }),
  };
}
