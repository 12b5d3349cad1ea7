import type { AdapterTask, PinnedCampaign, RecordedOutcomes, SealActivities, Spent } from '../../activities/activity-types';
import { epochInVersion, type MethodScore } from '../../contracts/campaign';

const SPENT: Spent = { trainSeconds: 1, evaluateSeconds: 0.5, generateSeconds: 0, trainedTokens: 10, generatedTokens: 2, retries: 0, redoneSteps: 0, peakMemoryBytes: 0 };

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

export function fakeActivities(overrides: (calls: FakeActivities['calls']) => Partial<SealActivities> = () => ({})): FakeActivities {
  const calls: FakeActivities['calls'] = [];
  const selections = new Map<string, RecordedOutcomes>();
  const ref = { sha256: '0'.repeat(64), sizeBytes: 1, mediaType: 'application/json' };
  const at = ({ scope, group, position, repeat }: AdapterTask): string => `${scope.scope} ${position ?? `${group.from}-${group.to}`} r${repeat}`;
  const answers: SealActivities = {
    pinInputs: ({ campaignId }): Promise<PinnedCampaign> => Promise.resolve({ campaignId, input: ref, runId: 'run' }),
    proposeSelfEdits: () => Promise.resolve({ spent: SPENT }),
    collectProposals: () => Promise.resolve({ proposals: ref }),
    validateSelfEdit: () => Promise.resolve({ accepted: true }),
    fineTuneAdapter: ({ position, repeat }) => Promise.resolve({ adapter: position === undefined ? null : `adapter-${position}-r${repeat}`, spent: SPENT }),
    evaluateAdapter: ({ position }) => Promise.resolve({ reward: position === undefined ? null : fakeReward(position), spent: SPENT }),
    evaluateBase: () => Promise.resolve({ scores: Array.from({ length: 16 }, () => 0.5), spent: SPENT }),
    trainPolicy: ({ epoch, versions, kept, outcomes, proposals, onlySelection }) => {
      const { selection, policy } = versions ?? epochInVersion(epoch);
      selections.set(`${epoch}.v${selection}`, { proposals, outcomes, kept });
      const name = policy === 1 ? `policy-${epoch}` : `policy-${epoch}.v${policy}`;
      return Promise.resolve({ policy: kept.length === 0 || onlySelection === true ? null : name, spent: SPENT });
    },
    summariseMethod: ({ method }): Promise<MethodScore> =>
      Promise.resolve({ name: method, grader: 'exact', score: 0.5, standardError: 0.1, n: 4, runs: 4, rejected: 0, diverged: 0, meanTokens: 10, meanSteps: 6 }),
    writeReport: ({ state }) => Promise.resolve({ key: `report-${state}` }),
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
    fineTuneAdapter: at,
    evaluateAdapter: at,
    evaluateBase: ({ scope, chunk }) => `${scope} ${chunk}`,
    trainPolicy: ({ epoch, kept, onlySelection }) => `${epoch} ${kept.join(',')}${onlySelection === true ? ' selection only' : ''}`,
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
