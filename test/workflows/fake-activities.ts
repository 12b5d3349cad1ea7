import type { CandidateGroup, CandidateSummary, GroupTask, PinnedCampaign, RecordedOutcomes, SealActivities, Selected } from '../../activities/activity-types';
import type { MethodScore } from '../../contracts/campaign';
import { canBeRetried } from '../../contracts/failures';
import { epochSummary } from '../../seal/report-data';
import { bestOfK } from '../../seal/selection';

/** Activities that remember their calls and answer at once; a test overrides what it is about. */
export interface FakeActivities {
  readonly activities: SealActivities;
  /** Every call in order: name and what tells calls apart. */
  readonly calls: { readonly name: string; readonly what: string }[];
  /** Calls of one activity. */
  of(name: keyof SealActivities): string[];
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

/** Positions of the best candidate of each context. */
function keptOf(outcomes: readonly CandidateSummary[], perContext: number): string {
  const contexts = new Map<number, { readonly position: number; readonly reward: number }[]>();
  for (const { position, reward } of outcomes) {
    const context = Math.floor(position / perContext);
    if (reward !== undefined) contexts.set(context, [...(contexts.get(context) ?? []), { position, reward }]);
  }
  return [...contexts.values()].map((candidates) => bestOfK(candidates, 1)[0]!.position).join(',');
}

export function fakeActivities(overrides: (calls: FakeActivities['calls']) => Partial<SealActivities> = () => ({})): FakeActivities {
  const calls: FakeActivities['calls'] = [];
  const selections = new Map<string, RecordedOutcomes & { readonly kept: string }>();
  const ref = { sha256: '0'.repeat(64), sizeBytes: 1, mediaType: 'application/json' };
  const answers: SealActivities = {
    pinInputs: ({ campaignId }): Promise<PinnedCampaign> => Promise.resolve({ campaignId, input: ref, runId: 'run' }),
    proposeSelfEdits: () => Promise.resolve(),
    collectProposals: () => Promise.resolve({ proposals: ref }),
    validateSelfEdit: () => Promise.resolve({ accepted: true }),
    fineTuneAdapters: ({ group, repeat }) => Promise.resolve({ members: positionsOf(group).map((position) => ({ position, adapter: `adapter-${position}-r${repeat}` })) }),
    evaluateAdapters: ({ scope, group }) => Promise.resolve({ members: positionsOf(group).map((position) => ({ position, reward: scope.split === 'train' ? fakeReward(position) : null })) }),
    evaluateBase: () => Promise.resolve(),
    selectSelfEdits: ({ versions, outcomes, proposals, perContext, before }): Promise<Selected> => {
      const { epoch, selection } = versions;
      const kept = keptOf(outcomes, perContext);
      selections.set(`${epoch}.v${selection}`, { proposals, outcomes, kept });
      const retryable = outcomes.filter(({ status, failure }) => status === 'failed' && canBeRetried(failure)).length;
      const isAsBefore = before !== undefined && selections.get(`${epoch}.v${before.selection}`)?.kept === kept;
      // What was kept is told to the M-step by the reference.
      return Promise.resolve({ selection: { ...ref, mediaType: kept }, summary: epochSummary(epoch, outcomes.map((outcome) => ({ ...outcome, contextId: String(Math.floor(outcome.position / perContext)) })), kept === '' ? 0 : kept.split(',').length), retryable, isAsBefore });
    },
    trainPolicy: ({ versions: { epoch, policy }, selection }) => {
      const name = policy === 1 ? `policy-${epoch}` : `policy-${epoch}.v${policy}`;
      return Promise.resolve({ policy: selection.mediaType === '' ? null : name });
    },
    summariseMethod: ({ method }): Promise<MethodScore> =>
      Promise.resolve({ name: method, grader: 'exact', score: 0.5, standardError: 0.1, n: 4, runs: 4, rejected: 0, diverged: 0, meanTokens: 10, meanSteps: 6 }),
    writeReport: ({ state }) => Promise.resolve({ key: `report-${state}`, digest: { key: 'digest', sha256: ref.sha256 } }),
    archiveHistories: ({ workflows }) => Promise.resolve({ archived: workflows.length }),
    readOutcomes: ({ versions: { epoch, selection } }) => Promise.resolve(selections.get(`${epoch}.v${selection}`)!),
    recordRevision: () => Promise.resolve(),
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
    selectSelfEdits: ({ versions: { epoch }, outcomes, perContext }) => `${epoch} ${keptOf(outcomes, perContext)}`,
    trainPolicy: ({ versions: { epoch }, selection }) => `${epoch} ${selection.mediaType}`,
    summariseMethod: ({ method }) => method,
    writeReport: ({ state }) => state,
    archiveHistories: ({ scope, page, workflows }) => `${scope} ${page}: ${workflows.length}`,
    readOutcomes: ({ versions: { epoch, selection } }) => `${epoch}.v${selection}`,
    recordRevision: ({ revision, action, changed }) => `${revision} ${action.by} ${changed}`,
    awaitWorkflows: ({ workflows }) => workflows.map(({ workflowId }) => workflowId).join(),
  };
  const recorded = { ...answers, ...overrides(calls) };
  const activities = Object.fromEntries(
    (Object.keys(answers) as (keyof SealActivities)[]).map((name) => {
      const answer = recorded[name] as (task: unknown) => Promise<unknown>;
      const describe = what[name] as (task: unknown) => string;
      const call = (task: unknown): Promise<unknown> => {
        calls.push({ name, what: describe(task) });
        return answer(task);
      };
      return [name, call];
    }),
  ) as unknown as SealActivities;
  return { activities, calls, of: (name) => calls.filter((call) => call.name === name).map((call) => call.what) };
}
