import type { CandidateGroup, FailedEpoch, FailureTask, GroupTask, PinnedCampaign, RevisionTask, SealActivities, Selected, SelectTask, Validation } from '../../activities/activity-types';
import { type EpochSummary, type MethodScore, scopes as scopeNames } from '../../campaign/campaign';
import { canBeRetried, type FailureClass } from '../../campaign/failures';
import { placeOf } from '../../seal/algorithm/plan';
import { epochSummary, isTied } from '../../seal/report-data';
import { bestOfK } from '../../seal/algorithm/selection';
import { mean } from '../../seal/statistics/statistics';

/** Activities that remember their calls and answer at once; a test overrides what it is about. */
export interface FakeActivities {
  readonly activities: SealActivities;
  /** Every call in order: name and what tells calls apart. */
  readonly calls: { readonly name: string; readonly what: string }[];
  /** Calls of one activity. */
  of(name: keyof SealActivities): string[];
  /** Of the epochs that count, in order. */
  summaries(): EpochSummary[];
  /** What was tried again, oldest first. */
  readonly revisions: readonly Omit<RevisionTask, 'campaign'>[];
}

/** A position's reward: differs between positions of a context and repeats from run to run. */
export function fakeReward(position: number): number {
  return ((position * 7) % 11) / 10;
}

/** Positions of a group, in order. */
export function positionsOf({ from, to }: CandidateGroup): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

/** `epoch-1 4 r1` of one candidate, `epoch-1 0-3 r1` of a group. */
export function nameOf({ scope, group: { from, to }, repeat }: GroupTask): string {
  return `${scope.scope} ${to - from === 1 ? from : `${from}-${to - 1}`} r${repeat}`;
}

/** How the candidates of one scope have ended, by position. */
type Ends = Map<number, { readonly status: 'scored'; readonly rewards: number[] } | { readonly status: 'rejected' } | { readonly status: 'failed'; readonly failure: FailureClass }>;

function rewardOf(ends: Ends, position: number): number | undefined {
  const end = ends.get(position);
  return end?.status === 'scored' ? mean(end.rewards) : undefined;
}

/** Positions of the best candidate of each context. */
function keptOf(ends: Ends, perContext: number): string {
  const contexts = new Map<number, { readonly position: number; readonly reward: number }[]>();
  for (const position of [...ends.keys()].sort((x, y) => x - y)) {
    const { context } = placeOf(position, perContext);
    const reward = rewardOf(ends, position);
    if (reward !== undefined) contexts.set(context, [...(contexts.get(context) ?? []), { position, reward }]);
  }
  return [...contexts.values()].map((candidates) => bestOfK(candidates, 1)[0]!.position).join(',');
}

function failedIn(ends: Ends): number[] {
  return [...ends].flatMap(([position, end]) => (end.status === 'failed' && canBeRetried(end.failure) ? [position] : [])).sort((x, y) => x - y);
}

export function fakeActivities(overrides: (calls: FakeActivities['calls']) => Partial<SealActivities> = () => ({})): FakeActivities {
  const calls: FakeActivities['calls'] = [];
  const kept = new Map<string, string>();
  const scopes = new Map<string, Ends>();
  /** Selections that count, by epoch, and those of retries that have not been recorded. */
  const epochs = new Map<number, Omit<FailedEpoch, 'policyBefore'>>();
  const retried = new Map<number, Omit<FailedEpoch, 'policyBefore'>>();
  const policies = new Map<string, string>();
  const revisions: Omit<RevisionTask, 'campaign'>[] = [];
  const later = (epoch: number): Omit<FailedEpoch, 'policyBefore'>[] => [...epochs.values()].filter(({ versions }) => versions.epoch > epoch);
  const policyAfter = (epoch: number): string | null => {
    const versions = epochs.get(epoch)?.versions;
    return versions === undefined ? null : (policies.get(`${epoch}.v${versions.policy}`) ?? policyAfter(epoch - 1));
  };
  const endsOf = (scope: string): Ends => {
    const ends: Ends = scopes.get(scope) ?? new Map();
    scopes.set(scope, ends);
    return ends;
  };
  const ref = { sha256: '0'.repeat(64), sizeBytes: 1, mediaType: 'application/json' };
  const answers: SealActivities = {
    pinInputs: ({ campaignId }): Promise<PinnedCampaign> => Promise.resolve({ campaignId, input: ref, runId: 'run' }),
    proposeSelfEdits: () => Promise.resolve(),
    collectProposals: () => Promise.resolve({ proposals: ref }),
    validateSelfEdit: () => Promise.resolve({ accepted: true }),
    fineTuneAdapters: ({ group, repeat }) => Promise.resolve({ members: positionsOf(group).map((position) => ({ position, adapter: `adapter-${position}-r${repeat}` })) }),
    evaluateAdapters: ({ scope, group }) => Promise.resolve({ members: positionsOf(group).map((position) => ({ position, reward: scope.split === 'train' ? fakeReward(position) : null })) }),
    evaluateBase: () => Promise.resolve(),
    gradeAdapters: ({ group }) => Promise.resolve({ members: positionsOf(group).map((position) => ({ position, reward: fakeReward(position) })) }),
    gradeBase: () => Promise.resolve(),
    recordFailures: () => Promise.resolve(),
    listFailed: ({ scope, from }) => Promise.resolve({ positions: failedIn(endsOf(scope)).filter((position) => position >= from), next: null }),
    selectSelfEdits: ({ versions, perContext, before }): Promise<Selected> => {
      const { epoch, selection, candidates } = versions;
      const ends = endsOf(scopeNames.epoch(epoch, candidates));
      const own = keptOf(ends, perContext);
      kept.set(`${epoch}.v${selection}`, own);
      const outcomes = [...ends].map(([position, { status }]) => {
        const reward = rewardOf(ends, position);
        return { contextId: String(placeOf(position, perContext).context), status, ...(reward !== undefined && { reward }) };
      });
      const isAsBefore = before !== undefined && kept.get(`${epoch}.v${before.selection}`) === own;
      // What was kept is told to the M-step by the reference.
      return Promise.resolve({ selection: { ...ref, mediaType: own }, summary: epochSummary(epoch, outcomes, own === '' ? 0 : own.split(',').length), retryable: failedIn(ends).length, isAsBefore });
    },
    trainPolicy: ({ versions: { epoch, policy }, selection }) => {
      const name = policy === 1 ? `policy-${epoch}` : `policy-${epoch}.v${policy}`;
      return Promise.resolve({ policy: selection.mediaType === '' ? null : name });
    },
    summariseMethod: ({ method }): Promise<MethodScore> =>
      Promise.resolve({ name: method, grader: 'exact', score: 0.5, standardError: 0.1, n: 4, runs: 4, rejected: 0, diverged: 0, meanTokens: 10, meanSteps: 6 }),
    writeReport: ({ state }) => Promise.resolve({ key: `report-${state}`, digest: { key: 'digest', sha256: ref.sha256 } }),
    archiveHistories: ({ workflows }) => Promise.resolve({ archived: workflows.length }),
    contextIds: ({ split, from, to }) => Promise.resolve(Array.from({ length: to - from }, (_, i) => `${split === 'train' ? 'train' : 'held'}${from + i}`)),
    findFailedEpoch: ({ from, to }) => {
      const found = [...epochs.values()].find(({ versions: { epoch }, retryable }) => epoch >= from && epoch <= to && retryable > 0);
      return Promise.resolve(found === undefined ? null : { ...found, policyBefore: policyAfter(found.versions.epoch - 1) });
    },
    recordRevision: ({ retried: { epoch }, changed }) => {
      const stale = changed ? later(epoch) : [];
      const sum = (count: (one: Omit<FailedEpoch, 'policyBefore'>) => number): number => stale.reduce((total, one) => total + count(one), 0);
      return Promise.resolve({
        proposed: sum(({ summary }) => summary.proposed),
        failed: sum(({ summary }) => summary.failed),
        rejected: sum(({ summary }) => summary.rejected),
        retryable: sum(({ retryable }) => retryable),
        tied: sum(({ summary }) => Number(isTied(summary))),
      });
    },
    awaitWorkflows: () => Promise.reject(new Error('the fixture waits for workflows')),
  };
  const what: { [Name in keyof SealActivities]: (task: Parameters<SealActivities[Name]>[0]) => string } = {
    pinInputs: ({ campaignId }) => campaignId,
    proposeSelfEdits: ({ scope, chunk }) => `${scope} ${chunk}`,
    collectProposals: ({ scope }) => scope,
    validateSelfEdit: ({ scope, position }) => `${scope.scope} ${position}`,
    fineTuneAdapters: nameOf,
    evaluateAdapters: nameOf,
    evaluateBase: ({ scope, chunk }) => `${scope} ${chunk}`,
    gradeAdapters: nameOf,
    gradeBase: ({ scope, chunk }) => `${scope} ${chunk}`,
    selectSelfEdits: ({ versions: { epoch, candidates }, perContext }) => `${epoch} ${keptOf(endsOf(scopeNames.epoch(epoch, candidates)), perContext)}`,
    trainPolicy: ({ versions: { epoch }, selection }) => `${epoch} ${selection.mediaType}`,
    summariseMethod: ({ method }) => method,
    writeReport: ({ state }) => state,
    archiveHistories: ({ scope, page, workflows }) => `${scope} ${page}: ${workflows.length}`,
    recordFailures: ({ scope, failed }) => `${scope.scope} ${failed.map(({ position }) => position).join()}`,
    listFailed: ({ scope, from }) => `${scope} ${from}`,
    contextIds: ({ from, to }) => `${from}-${to}`,
    findFailedEpoch: ({ from, to }) => `${from}-${to}`,
    recordRevision: ({ revision, action, changed }) => `${revision} ${action.by} ${changed}`,
    awaitWorkflows: ({ workflows }) => workflows.map(({ workflowId }) => workflowId).join(),
  };
  /** What the store would know afterwards. */
  const remember = (name: keyof SealActivities, task: unknown, result: unknown): void => {
    if (name === 'evaluateAdapters') {
      const { scope, repeat } = task as GroupTask;
      for (const { position, reward } of (result as Awaited<ReturnType<SealActivities['evaluateAdapters']>>).members) {
        const end = endsOf(scope.scope).get(position);
        if (reward === null || end?.status === 'rejected') continue;
        endsOf(scope.scope).set(position, { status: 'scored', rewards: [...(end?.status === 'scored' && repeat > 1 ? end.rewards : []), reward] });
      }
    } else if (name === 'validateSelfEdit') {
      const { scope, position } = task as Parameters<SealActivities['validateSelfEdit']>[0];
      if (!(result as Validation).accepted) endsOf(scope.scope).set(position, { status: 'rejected' });
    } else if (name === 'recordFailures') {
      const { scope, failed } = task as FailureTask;
      for (const { position, failure } of failed) endsOf(scope.scope).set(position, { status: 'failed', failure });
    } else if (name === 'selectSelfEdits') {
      const { versions, before } = task as SelectTask;
      const { summary, retryable } = result as Selected;
      (before === undefined ? epochs : retried).set(versions.epoch, { versions, summary, retryable });
    } else if (name === 'trainPolicy') {
      const { versions } = task as Parameters<SealActivities['trainPolicy']>[0];
      const { policy } = result as Awaited<ReturnType<SealActivities['trainPolicy']>>;
      if (policy !== null) policies.set(`${versions.epoch}.v${versions.policy}`, policy);
    } else if (name === 'recordRevision') {
      const { campaign: _campaign, ...revision } = task as RevisionTask;
      revisions.push(revision);
      const { epoch } = revision.retried;
      const [made, before] = [retried.get(epoch)!, epochs.get(epoch)!];
      epochs.set(epoch, revision.changed ? made : { ...made, versions: { ...made.versions, policy: before.versions.policy } });
      if (revision.changed) for (const one of later(epoch)) epochs.delete(one.versions.epoch);
    }
  };
  const recorded = { ...answers, ...overrides(calls) };
  const activities = Object.fromEntries(
    (Object.keys(answers) as (keyof SealActivities)[]).map((name) => {
      const answer = recorded[name] as (task: unknown) => Promise<unknown>;
      const describe = what[name] as (task: unknown) => string;
      const call = async (task: unknown): Promise<unknown> => {
        calls.push({ name, what: describe(task) });
        const result = await answer(task);
        remember(name, task, result);
        return result;
      };
      return [name, call];
    }),
  ) as unknown as SealActivities;
  const summaries = (): EpochSummary[] => [...epochs.values()].map(({ summary }) => summary).sort((a, b) => a.epoch - b.epoch);
  return { activities, calls, summaries, revisions, of: (name) => calls.filter((call) => call.name === name).map((call) => call.what) };
}
