/** What crosses between workflows and activities: references, numbers and short lines of text. */
import type { ArtifactRef } from '../contracts/artifacts';
import type { CampaignSpec } from '../contracts/campaign-spec';
import type { CampaignInput, CampaignState, Ledger, MethodScore } from '../contracts/campaign';

/** The campaign as pinned at its start: everything an activity needs beyond references is read from this artifact. */
export interface PinnedCampaign {
  readonly campaignId: string;
  /** JSON of the CampaignInput. */
  readonly input: ArtifactRef;
  /** Of the campaign's workflow: what a worker remembers of a campaign ends with its run. */
  readonly runId: string;
}

/** What an activity cost, whichever attempt paid for it. Never part of what is hashed. */
export type Spent = Omit<Ledger, 'wallSeconds'>;

export const NOTHING_SPENT: Spent = {
  trainSeconds: 0,
  evaluateSeconds: 0,
  generateSeconds: 0,
  trainedTokens: 0,
  generatedTokens: 0,
  retries: 0,
  redoneSteps: 0,
  peakMemoryBytes: 0,
};

export type Split = 'train' | 'heldOut';

/** Where rows to adapt on come from. */
export type RowSource =
  | { readonly kind: 'proposals'; readonly proposals: ArtifactRef }
  /** The passage itself. `maxSteps`: as many optimiser steps as another method took. */
  | { readonly kind: 'passage'; readonly maxSteps?: number }
  /** The context's own best training lines. */
  | { readonly kind: 'oracle' };

/** A set of inner loops with one policy on one split: an epoch's candidates, or one method on the held-out contexts. */
export interface AdaptationScope {
  readonly campaign: PinnedCampaign;
  /** `epoch-1` or `evaluation/<method>`: the part of ids, keys and seeds that tells scopes apart. */
  readonly scope: string;
  readonly split: Split;
  /** The policy that is adapted: manifest keys of its M-step adapters, in order. */
  readonly policyAdapters: readonly string[];
  readonly rows: RowSource;
  /** Candidates a context; position p is candidate `p % perContext + 1` of context `floor(p / perContext)`. */
  readonly perContext: number;
  /** Where rewards are gains: the scope's unadapted answers, in chunks of this many contexts. */
  readonly gainOver?: { readonly contextsPerChunk: number };
}

/** Positions from..to-1 of a scope: adapted and evaluated stacked, whoever asks for any one of them. */
export interface CandidateGroup {
  readonly from: number;
  readonly to: number;
}

export interface AdapterTask {
  readonly scope: AdaptationScope;
  readonly group: CandidateGroup;
  /** The candidate whose result is asked for; absent: all of the group. */
  readonly position?: number;
  /** From 1. */
  readonly repeat: number;
  /** Of the campaign; the last one's evaluation completes the candidate's record. */
  readonly repeats: number;
}

export type ProposalSource = CampaignSpec['proposals']['source'];

export interface ProposalTask {
  readonly campaign: PinnedCampaign;
  readonly scope: string;
  readonly split: Split;
  readonly policyAdapters: readonly string[];
  readonly source: ProposalSource;
  readonly perContext: number;
  /** Contexts a chunk: one generation batch. */
  readonly contextsPerChunk: number;
}

export type Validation = { readonly accepted: true } | { readonly accepted: false; readonly reason: string };

export interface Evaluated {
  /** Of the position asked for, in this repeat, rounded to 4 digits; null when the whole group was asked for. */
  readonly reward: number | null;
  readonly spent: Spent;
}

/** One line of an epoch's outcome, small enough to travel in bulk. */
export interface CandidateSummary {
  readonly position: number;
  readonly status: 'scored' | 'rejected' | 'failed';
  readonly reward?: number;
  readonly reason?: string;
}

export interface PolicyTask {
  readonly campaign: PinnedCampaign;
  readonly epoch: number;
  readonly policyAdapters: readonly string[];
  readonly proposals: ArtifactRef;
  readonly perContext: number;
  readonly outcomes: readonly CandidateSummary[];
  /** Positions kept by selection, in order. */
  readonly kept: readonly number[];
}

/** The activities as workflows see them. Every one is idempotent: what it makes is published once under a fixed key. */
export interface SealActivities {
  pinInputs(input: CampaignInput): Promise<PinnedCampaign>;
  proposeSelfEdits(task: ProposalTask & { readonly chunk: number }): Promise<{ readonly spent: Spent }>;
  collectProposals(task: ProposalTask): Promise<{ readonly proposals: ArtifactRef }>;
  validateSelfEdit(task: { readonly scope: AdaptationScope; readonly position: number }): Promise<Validation>;
  fineTuneAdapter(task: AdapterTask): Promise<{ readonly adapter: string | null; readonly spent: Spent }>;
  evaluateAdapter(task: AdapterTask): Promise<Evaluated>;
  evaluateBase(task: UnadaptedTask): Promise<{ readonly scores: readonly number[]; readonly spent: Spent }>;
  trainPolicy(task: PolicyTask): Promise<{ readonly policy: string | null; readonly spent: Spent }>;
  summariseMethod(task: MethodTask): Promise<MethodScore>;
  writeReport(task: ReportTask): Promise<{ readonly key: string }>;
  archiveHistories(task: ArchiveTask): Promise<{ readonly archived: number }>;
}

/** The unadapted policy's answers to the questions of one chunk of contexts. */
export interface UnadaptedTask {
  readonly campaign: PinnedCampaign;
  readonly scope: string;
  readonly split: Split;
  readonly policyAdapters: readonly string[];
  readonly contextsPerChunk: number;
  /** From 1. */
  readonly chunk: number;
}

export interface MethodTask {
  readonly campaign: PinnedCampaign;
  readonly method: string;
  readonly source:
    | { readonly kind: 'unadapted'; readonly contextsPerChunk: number }
    | { readonly kind: 'adapted'; readonly scope: AdaptationScope };
}

export interface ReportTask {
  readonly campaign: PinnedCampaign;
  readonly state: CampaignState;
  readonly ledger: Ledger;
}

/** Closed workflows whose histories become artifacts. */
export interface ArchiveTask {
  readonly campaign: PinnedCampaign;
  /** `epoch-1`, `evaluation/<method>`, `campaign`: the part of keys that tells scopes apart. */
  readonly scope: string;
  /** From 1. */
  readonly page: number;
  /** `runId` absent: the latest run with all that it continues. */
  readonly workflows: readonly { readonly workflowId: string; readonly runId?: string }[];
}
