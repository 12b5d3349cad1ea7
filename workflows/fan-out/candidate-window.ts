/**
 * The fan-out of an epoch: one candidate workflow a self-edit, as many at once as the window admits, over as many runs of the epoch as
 * it takes. Candidates that are computed together are children of their group's workflow.
 *
 * A run starts candidates (or groups of them) as its children and hears of their end from the server. When it has enough history, the
 * epoch goes on in a new run, and what is under way is carried along: it outlives the run that started it.
 */
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import { CancellationScope, ChildWorkflowCancellationType, condition, isCancellation, ParentClosePolicy, startChild } from '@temporalio/workflow';
import type { AdaptationScope, CandidateGroup, EndedWorkflow } from '../../activities/activity-types';
import { type CandidateOutcome, workflowIds } from '../../campaign/campaign';
import { groupAt, numbersIn, placeOf } from '../../seal/algorithm/plan';
import type { CandidateInput, CandidateResult } from '../candidate';
import type { CandidateGroupInput, CandidateGroupResult, candidateGroupWorkflow } from '../candidate-group';
import type { Steering } from '../messages';
import type { HistoryArchive } from '../record/history-archive';
import { epochAttributes } from '../record/search-attributes';
import { type ActivitySettings, bookkeepingActivities } from '../work/activity-options';
import { failedBy } from './adapt-group';
import { runInWindow } from './bounded-window';
import { AbandonedChildren } from './abandoned-children';
import type { ChildProgress } from './child-progress';
import { ContextIds } from './context-ids';
import { shouldContinueAsNew } from './continue-as-new';
import { startCandidate } from './start-candidate';

/**
 * What is not started yet: all candidates from position `next` on, or a page of failed ones and where the next page begins (null after the
 * last). No more than a page of positions is carried, however many candidates there are.
 */
export type Backlog = { readonly kind: 'all'; readonly next: number } | { readonly kind: 'failed'; readonly page: readonly number[]; readonly next: number | null };

/** Where a fan-out is: all that a new run must know. Positions are places in the planned order. */
export interface WindowState {
  readonly backlog: Backlog;
  /** Started by an earlier run. */
  readonly underWay: readonly { readonly position: number; readonly contextId: string }[];
}

/** The failed candidates of an epoch that has ended. */
export const ALL_FAILED: WindowState = { backlog: { kind: 'failed', page: [], next: 0 }, underWay: [] };
export const ALL: WindowState = { backlog: { kind: 'all', next: 0 }, underWay: [] };

export interface WindowContext {
  readonly scope: AdaptationScope;
  readonly epoch: number;
  /** Of the candidates' scope. */
  readonly version: number;
  /** Number of the scope's contexts. */
  readonly contexts: number;
  readonly groupSize: number;
  readonly repeats: number;
  readonly settings: ActivitySettings;
  readonly steering: () => Steering;
  readonly progress: ChildProgress;
  readonly archive: HistoryArchive;
  /** Of failures that are recorded now. */
  readonly pass: () => number;
}

type Outcome = Pick<CandidateOutcome, 'status' | 'reason' | 'failure'>;

/** Positions of one group that run together: with groups of one, a candidate. */
type Members = readonly number[];

export class CandidateWindow {
  readonly #context: WindowContext;
  readonly #contextIds: ContextIds;
  readonly #carried: AbandonedChildren;
  readonly #carriedPositions: Set<number>;
  readonly #underWay = new Set<number>();
  readonly #running: Promise<void>[] = [];
  #backlog: Backlog;
  /** Asked of the server, which has not started them yet. */
  #starting = 0;

  constructor(context: WindowContext, state: WindowState) {
    this.#context = context;
    const { perContext } = context.scope;
    this.#contextIds = new ContextIds(context.scope, context.contexts, context.settings, new Map(state.underWay.map(({ position, contextId }) => [placeOf(position, perContext).context, contextId])));
    this.#carried = new AbandonedChildren(context.settings);
    this.#carriedPositions = new Set(state.underWay.map(({ position }) => position));
    this.#backlog = state.backlog;
  }

  /** Scores what is waiting. @returns false where the rest belongs into a new run of the epoch, which begins with `state` */
  async run(): Promise<boolean> {
    do {
      if (!(await this.#runWaiting())) return false;
    } while (await this.#turnPage());
    return true;
  }

  /** Waits until everything that this run has started or carried has ended. */
  async ended(): Promise<void> {
    await Promise.all(this.#running);
  }

  get state(): WindowState {
    const underWay = [...this.#underWay].sort((a, b) => a - b);
    return { backlog: this.#backlog, underWay: underWay.map((position) => ({ position, contextId: this.#candidate(position).input.contextId })) };
  }

  /** Has the failed ones that another attempt may help wait again. */
  again(): void {
    this.#backlog = ALL_FAILED.backlog;
  }

  async #runWaiting(): Promise<boolean> {
    const { steering, settings } = this.#context;
    const rest = await runInWindow({
      tasks: this.#groupsOf(this.#waiting),
      sizeOf: (members) => members.length,
      underWay: this.#groupsOf([...this.#carriedPositions]),
      steering,
      run: (members) => this.#score(members),
      isOver: () => shouldContinueAsNew(settings.timings),
      onStarted: (running) => this.#running.push(running),
    });
    const waiting = rest.flat();
    this.#backlog = this.#backlog.kind === 'all' ? { kind: 'all', next: waiting[0] ?? this.#count } : { ...this.#backlog, page: waiting };
    // The next run asks for what it is given: the server must know all of it, and what has been told once is not asked for again.
    if (waiting.length > 0) await condition(() => this.#starting === 0 && this.#carried.isSettled);
    return waiting.length === 0;
  }

  /** @returns whether there may be more to do */
  async #turnPage(): Promise<boolean> {
    if (this.#backlog.kind === 'all' || this.#backlog.next === null) return false;
    const { scope, settings, progress } = this.#context;
    const { positions, next } = await bookkeepingActivities(settings).listFailed({ campaign: scope.campaign, scope: scope.scope, perContext: scope.perContext, from: this.#backlog.next });
    progress.retrying(positions.length);
    this.#backlog = { kind: 'failed', page: positions, next };
    return true;
  }

  get #waiting(): readonly number[] {
    return this.#backlog.kind === 'all' ? numbersIn({ from: this.#backlog.next, to: this.#count }) : this.#backlog.page;
  }

  get #count(): number {
    const { contexts, scope } = this.#context;
    return contexts * scope.perContext;
  }

  #groupsOf(positions: readonly number[]): Members[] {
    const groups = new Map<number, number[]>();
    for (const position of positions) {
      const { from } = this.#groupOf([position]);
      groups.set(from, [...(groups.get(from) ?? []), position]);
    }
    return [...groups.values()];
  }

  async #score(members: Members): Promise<void> {
    this.#context.progress.started(members.length);
    members.forEach((position) => this.#underWay.add(position));
    await this.#readIds(members);
    try {
      await this.#record(members, await this.#outcomesOf(members));
    } finally {
      this.#carried.settle(this.#idOf(members));
    }
  }

  async #record(members: Members, outcomes: readonly Outcome[]): Promise<void> {
    const { scope, settings, progress, archive, groupSize, pass } = this.#context;
    const failed = members.flatMap((position, i) => {
      const { status, reason = 'no reason recorded', failure = 'bug' } = outcomes[i]!;
      return status === 'failed' ? [{ position, reason, failure }] : [];
    });
    if (failed.length > 0) await bookkeepingActivities(settings).recordFailures({ scope, failed, pass: pass() });
    for (const [i, position] of members.entries()) {
      const { status } = outcomes[i]!;
      this.#underWay.delete(position);
      archive.add(this.#candidate(position).workflowId);
      progress.finished(status === 'scored' ? 'done' : status);
    }
    if (groupSize > 1) archive.add(this.#idOf(members));
  }

  /** From here until the server knows the members they are being started. */
  async #readIds(members: Members): Promise<void> {
    const { perContext } = this.#context.scope;
    this.#starting += 1;
    try {
      await this.#contextIds.read(members.map((position) => placeOf(position, perContext).context));
    } catch (error) {
      this.#starting -= 1;
      throw error;
    }
  }

  /** In the order of the members. */
  async #outcomesOf(members: Members): Promise<readonly Outcome[]> {
    try {
      return outcomesIn(await this.#resultOf(members));
    } catch (error) {
      if (isCancellation(error) && CancellationScope.current().consideredCancelled) throw error;
      // Terminated or cancelled by hand, or broken: these candidates are lost, the epoch is not.
      return members.map(() => failedBy(error));
    }
  }

  async #resultOf(members: Members): Promise<CandidateResult | CandidateGroupResult> {
    const isCarried = members.map((position) => this.#carriedPositions.delete(position)).includes(true);
    if (isCarried) {
      this.#starting -= 1;
      return resultIn(await this.#carried.outcome(this.#idOf(members)));
    }
    try {
      const child = await this.#start(members).finally(() => (this.#starting -= 1));
      return await child.result();
    } catch (error) {
      // Of an epoch that was terminated: its candidates go on, and their outcome is what is asked for.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      return resultIn(await this.#carried.outcome(this.#idOf(members)));
    }
  }

  #start(members: Members): Promise<{ result(): Promise<CandidateResult | CandidateGroupResult> }> {
    const { scope, epoch, groupSize, repeats, settings } = this.#context;
    const candidates = members.map((position) => this.#candidate(position));
    if (groupSize === 1) return startCandidate({ ...candidates[0]!, epoch, outlivesParent: true });
    const input: CandidateGroupInput = { scope, group: this.#groupOf(members), repeats, settings, epoch, members: candidates };
    return startChild<typeof candidateGroupWorkflow>('candidateGroupWorkflow', {
      workflowId: this.#idOf(members),
      args: [input],
      typedSearchAttributes: epochAttributes(scope.campaign.campaignId, epoch),
      // It outlives the run that starts it; a cancelled epoch asks it to end and waits for it.
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.WAIT_CANCELLATION_COMPLETED,
    });
  }

  /** Of what is started for these members: their group, or the only one's candidate. */
  #idOf(members: Members): string {
    const { scope, epoch, version, groupSize } = this.#context;
    if (groupSize === 1) return this.#candidate(members[0]!).workflowId;
    return workflowIds.group(scope.campaign.campaignId, epoch, this.#groupOf(members), version);
  }

  #groupOf([position = 0]: Members): CandidateGroup {
    const { groupSize } = this.#context;
    return groupAt(position, groupSize, this.#count);
  }

  #candidate(position: number): { readonly workflowId: string; readonly input: CandidateInput } {
    const { scope, epoch, version, groupSize, repeats, settings } = this.#context;
    const { perContext, campaign } = scope;
    const { context, candidate } = placeOf(position, perContext);
    const contextId = this.#contextIds.at(context);
    const group = { ...this.#groupOf([position]), workflowId: groupSize === 1 ? null : this.#idOf([position]) };
    return {
      workflowId: workflowIds.candidate(campaign.campaignId, epoch, contextId, candidate, version),
      input: { scope, position, contextId, candidate, group, repeats, settings },
    };
  }
}

function resultIn(ended: EndedWorkflow): CandidateResult | CandidateGroupResult {
  if ('failure' in ended) throw new Error(ended.failure);
  return ended.result as CandidateResult | CandidateGroupResult;
}

function outcomesIn(result: CandidateResult | CandidateGroupResult): readonly CandidateOutcome[] {
  return 'outcomes' in result ? result.outcomes : [result.outcome];
}
