/** What crosses between workflows and activities: references, numbers and short lines of text. */
import type { ArtifactRef } from '../campaign/artifacts';
import type { CampaignInput, CampaignState, EpochSummary, EpochVersion, MethodScore, OperatorAction, Split } from '../campaign/campaign';
import type { CampaignSpec } from '../campaign/campaign-spec';
import type { FailureClass } from '../campaign/failures';
import type { DigestRef } from '../record/documents/digest';
import type { MethodRows } from '../seal/algorithm/stages';
import type { MemoryBound } from './execution/less-memory';

/** The campaign as pinned at its start: everything an activity needs beyond references is read from this artifact. */
export interface PinnedCampaign {
  readonly campaignId: string;
  /** JSON of the CampaignInput. */
  readonly input: ArtifactRef;
  /** Of the campaign's workflow: what a worker remembers of a campaign ends with its run. */
  readonly runId: string;
}

/** Where rows to adapt on come from. */
export type RowSource =
  | { readonly kind: 'proposals'; readonly proposals: ArtifactRef }
  | Extract<MethodRows, { kind: 'baseline' }>;

/** A set of inner loops with one policy on one split: an epoch's candidates, or one method on the held-out contexts. */
export interface AdaptationScope {
  readonly campaign: PinnedCampaign;
  /** `epoch-1` or `evaluation/<method>`: the part of ids, keys and seeds that tells scopes apart. */
  readonly scope: string;
  readonly split: Split;
  /** The policy that is adapted: its manifest's key; null: the base. */
  readonly policy: string | null;
  readonly rows: RowSource;
  /** Candidates a context; position p is candidate `p % perContext + 1` of context `floor(p / perContext)`. */
  readonly perContext: number;
  /** Where rewards are gains: the scope's unadapted answers, in chunks of this many contexts. */
  readonly gainOver?: { readonly contextsPerChunk: number };
}

/** Positions from..to-1 of a scope: adapted and evaluated stacked. */
export interface CandidateGroup {
  readonly from: number;
  readonly to: number;
}

export interface GroupTask extends MemoryBound {
  readonly scope: AdaptationScope;
  readonly group: CandidateGroup;
  /** From 1. */
  readonly repeat: number;
  /** Of the campaign; the last one's evaluation completes the candidate's record. */
  readonly repeats: number;
}

export type ProposalSource = CampaignSpec['proposals']['source'];

export interface ProposalTask extends MemoryBound {
  readonly campaign: PinnedCampaign;
  readonly scope: string;
  readonly split: Split;
  readonly policy: string | null;
  readonly source: ProposalSource;
  readonly perContext: number;
  /** Contexts a chunk: one generation batch. */
  readonly contextsPerChunk: number;
}

export type Validation = { readonly accepted: true } | { readonly accepted: false; readonly reason: string };

/** A member's fine-tune in one repeat: the sha256 of its adapter's weights, or why its training diverged. */
export type FineTunedMember = { readonly position: number } & ({ readonly adapter: string } | { readonly diverged: string });

/** A member's reward in one repeat, rounded to 4 digits; null on held-out contexts. */
export interface EvaluatedMember {
  readonly position: number;
  readonly reward: number | null;
}

/** Candidates of a scope that failed in one pass. */
export interface FailureTask {
  readonly scope: AdaptationScope;
  readonly failed: readonly { readonly position: number; readonly reason: string; readonly failure: FailureClass }[];
  /** From 1: each pass over failed candidates has its own records. */
  readonly pass: number;
}

export interface FailedTask {
  readonly campaign: PinnedCampaign;
  /** Of the candidates. */
  readonly scope: string;
  readonly perContext: number;
  /** First position that is looked at. */
  readonly from: number;
}

export interface SelectTask {
  readonly campaign: PinnedCampaign;
  /** What this epoch's candidates are and what is made now. */
  readonly versions: EpochVersion;
  readonly proposals: ArtifactRef;
  readonly perContext: number;
  /** Where selection compares with the unadapted policy: its answers are in chunks of so many contexts. */
  readonly unadaptedContextsPerChunk?: number;
  /** The version whose failed candidates were tried again. @default none */
  readonly before?: EpochVersion;
}

/** An epoch's choice as it was published first. */
export interface Selected {
  readonly selection: ArtifactRef;
  readonly summary: EpochSummary;
  /** Failed candidates that another attempt may help. */
  readonly retryable: number;
  /** The same self-edits are kept as in `before`. */
  readonly isAsBefore: boolean;
}

export interface PolicyTask extends MemoryBound {
  readonly campaign: PinnedCampaign;
  readonly versions: EpochVersion;
  /** That is trained on. */
  readonly policy: string | null;
  readonly proposals: ArtifactRef;
  readonly selection: ArtifactRef;
}

/** The activities as workflows see them. Every one is idempotent: what it makes is published once under a fixed key. */
export interface SealActivities {
  pinInputs(input: CampaignInput): Promise<PinnedCampaign>;
  proposeSelfEdits(task: ProposalTask & { readonly chunk: number }): Promise<void>;
  collectProposals(task: ProposalTask): Promise<{ readonly proposals: ArtifactRef }>;
  validateSelfEdit(task: { readonly scope: AdaptationScope; readonly position: number }): Promise<Validation>;
  /** Members that can be trained on, in order. */
  fineTuneAdapters(task: GroupTask): Promise<{ readonly members: readonly FineTunedMember[] }>;
  /** Members that have an adapter, in order; none where a judge gives the marks. */
  evaluateAdapters(task: GroupTask): Promise<{ readonly members: readonly EvaluatedMember[] }>;
  /** Follows where a judge gives the marks. */
  gradeAdapters(task: GroupTask): Promise<{ readonly members: readonly EvaluatedMember[] }>;
  evaluateBase(task: UnadaptedTask): Promise<void>;
  /** Follows where a judge gives the marks. */
  gradeBase(task: UnadaptedTask): Promise<void>;
  selectSelfEdits(task: SelectTask): Promise<Selected>;
  trainPolicy(task: PolicyTask): Promise<{ readonly policy: string | null }>;
  summariseMethod(task: MethodTask): Promise<MethodScore>;
  writeReport(task: ReportTask): Promise<{ readonly key: string; readonly digest: DigestRef }>;
  recordFailures(task: FailureTask): Promise<void>;
  /** `next`: where the next page begins; null after the last. */
  listFailed(task: FailedTask): Promise<{ readonly positions: readonly number[]; readonly next: number | null }>;
  contextIds(task: ContextIdsTask): Promise<readonly string[]>;
  /** The first epoch of a range with failed candidates that another attempt may help; null where there is none. */
  findFailedEpoch(task: FailedEpochTask): Promise<FailedEpoch | null>;
  recordRevision(task: RevisionTask): Promise<Superseded>;
  awaitWorkflows(task: AwaitTask): Promise<{ readonly ended: readonly EndedWorkflow[] }>;
  archiveHistories(task: ArchiveTask): Promise<{ readonly archived: number }>;
}

/** What an operator's `retry-failed` has changed. */
export interface RevisionTask {
  readonly campaign: PinnedCampaign;
  /** From 1. */
  readonly revision: number;
  readonly action: OperatorAction;
  /** The epoch whose failed candidates were tried again, and how many of them. */
  readonly retried: { readonly epoch: number; readonly candidates: number };
  /** Whether selection keeps others than before. */
  readonly changed: boolean;
  /** Epochs that were finished by then. */
  readonly finished: number;
}

/** What of later epochs counts no more since an earlier one was tried again: sums over these epochs. */
export interface Superseded {
  readonly proposed: number;
  readonly failed: number;
  readonly rejected: number;
  readonly retryable: number;
  readonly tied: number;
}

/** Contexts at places from..to-1 of a split. */
export interface ContextIdsTask {
  readonly campaign: PinnedCampaign;
  readonly split: Split;
  readonly from: number;
  readonly to: number;
}

export interface FailedEpochTask {
  readonly campaign: PinnedCampaign;
  /** Numbers of the first and the last epoch that is looked at. */
  readonly from: number;
  readonly to: number;
}

export interface FailedEpoch {
  readonly versions: EpochVersion;
  readonly summary: EpochSummary;
  /** Failed candidates that another attempt may help. */
  readonly retryable: number;
  /** What it began with. */
  readonly policyBefore: string | null;
}

/** A workflow; without `runId` its latest run. Runs that it went on from as new are one with it. */
export interface WorkflowRef {
  readonly workflowId: string;
  readonly runId?: string;
}

export interface AwaitTask {
  readonly workflows: readonly WorkflowRef[];
  /** Ends after this long although none has ended. */
  readonly waitMs: number;
}

/** How a workflow has ended: its result, or in one line why it has none. */
export type EndedWorkflow = { readonly workflowId: string } & ({ readonly result: unknown } | { readonly failure: string });

/** Closed workflows whose histories become artifacts. */
export interface ArchiveTask {
  readonly campaign: PinnedCampaign;
  /** `epoch-1`, `campaign`, `ended/<run id>`: the part of keys that tells scopes apart. */
  readonly scope: string;
  /** From 1 in each scope. */
  readonly page: number;
  readonly workflows: readonly WorkflowRef[];
}

/** The unadapted policy's answers to the questions of one chunk of contexts. */
export interface UnadaptedTask extends MemoryBound {
  readonly campaign: PinnedCampaign;
  readonly scope: string;
  readonly split: Split;
  readonly policy: string | null;
  readonly contextsPerChunk: number;
  /** From 1. */
  readonly chunk: number;
}

export interface MethodTask {
  readonly campaign: PinnedCampaign;
  readonly method: string;
  /** @default 1 */
  readonly version?: number;
  readonly source:
    | { readonly kind: 'unadapted'; readonly contextsPerChunk: number }
    | { readonly kind: 'adapted'; readonly scope: AdaptationScope };
}

export interface ReportTask {
  readonly campaign: PinnedCampaign;
  readonly state: CampaignState;
  /** Since the campaign began. */
  readonly wallSeconds: number;
  /** How often `retry-failed` has changed the campaign. @default 0 */
  readonly revision?: number;
}
