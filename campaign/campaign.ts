import type { ArtifactRef } from './artifacts';
import type { CampaignSpec, LeftOut } from './campaign-spec';
import type { FailureClass } from './failures';

export const ORCHESTRATION_QUEUE = 'seal-orchestration';
export const COMPUTE_QUEUE = 'seal-compute';
/** Own namespace with 90 days of retention. */
export const NAMESPACE = 'seal';

/** Registered through the OperatorService by `infra`; every one a Keyword, but `SealEpoch` (Int) and `SealReward` (Double). */
export const SEARCH_ATTRIBUTES = {
  SealCampaign: 'KEYWORD',
  SealEpoch: 'INT',
  SealContext: 'KEYWORD',
  SealStatus: 'KEYWORD',
  SealReward: 'DOUBLE',
} as const;

/**
 * The part of workflow ids, keys and records that tells scopes apart. What is made anew after `retry-failed` is a version of its
 * own beside the old one: `epoch-2.v2`. Seeds know nothing of versions.
 */
export const scopes = {
  epoch: (epoch: number, version = 1): string => versioned(`epoch-${epoch}`, version),
  evaluation: (method: string, version = 1): string => versioned(`evaluation/${method}`, version),
  isTraining: (scope: string): boolean => scope.startsWith('epoch-'),
  /** The scope as it was called first: seeds are derived under it. */
  unversioned: (scope: string): string => scope.replace(/\.v\d+$/, ''),
};

function versioned(name: string, version: number): string {
  return version === 1 ? name : `${name}.v${version}`;
}

/**
 * Workflow ids: `<campaign>`, `<campaign>/epoch-1`, `<campaign>/epoch-1/<context>/c1`, `<campaign>/epoch-1/group-0-3`, `<campaign>/evaluation/<method>`, and
 * `<campaign>/archive/<run id>`, which keeps the campaign's own history when that run has ended.
 */
export const workflowIds = {
  campaign: (campaignId: string): string => campaignId,
  epoch: (campaignId: string, epoch: number, version = 1): string => `${campaignId}/${scopes.epoch(epoch, version)}`,
  candidate: (campaignId: string, epoch: number, contextId: string, candidate: number, version = 1): string =>
    `${workflowIds.epoch(campaignId, epoch, version)}/${contextId}/c${candidate}`,
  /** Candidates at positions from..to-1 of an epoch, computed together. */
  group: (campaignId: string, epoch: number, { from, to }: { readonly from: number; readonly to: number }, version = 1): string =>
    `${workflowIds.epoch(campaignId, epoch, version)}/group-${from}-${to - 1}`,
  evaluation: (campaignId: string, method: string, version = 1): string => `${campaignId}/${scopes.evaluation(method, version)}`,
  archive: (campaignId: string, runId: string): string => `${campaignId}/archive/${runId}`,
};

/** Which versions of an epoch count now. All 1 until `retry-failed` makes others. */
export interface EpochVersion {
  readonly epoch: number;
  /** Of its candidates: their proposals, adapters, evaluations. */
  readonly candidates: number;
  readonly selection: number;
  /** Of the policy, and of the policy's evaluation on held-out contexts. */
  readonly policy: number;
}

/** An epoch all of which is made in one version. @param version @default that of campaigns whose failed candidates nobody tried again */
export function epochInVersion(epoch: number, version = 1): EpochVersion {
  return { epoch, candidates: version, selection: version, policy: version };
}

/** Contexts that candidates are rewarded on, and those that nothing is learnt from. */
export type Split = 'train' | 'heldOut';

/** The base model as pinned at start: a directory on the workers, proven by the hash of each of its files. */
export interface PinnedModel {
  readonly directory: string;
  /** File name -> sha256, of every file the engine reads. */
  readonly files: Readonly<Record<string, string>>;
}

/** Timers and budgets of a campaign's activities, milliseconds. `workflows/work/activity-options.ts` holds defaults and reasons. */
export interface CampaignTimings {
  readonly heartbeatTimeoutMs: number;
  readonly retryInitialMs: number;
  readonly retryMaximumMs: number;
  /** Of activities that only read and write small documents. */
  readonly bookkeepingMs: number;
  /** Attempts of an activity beyond the first, for classes of failures that shall have other budgets than `FAILURE_CLASSES`. */
  readonly budgets?: Partial<Readonly<Record<FailureClass, number>>>;
  /** A workflow that has so many events goes on in a new run. @default when the server suggests it, at about 4,096 */
  readonly eventsPerRun?: number;
}

export interface CampaignInput {
  readonly campaignId: string;
  readonly spec: CampaignSpec;
  /** sha256 of the campaign file's canonical JSON. */
  readonly specSha256: string;
  readonly codeVersion: string;
  readonly model: PinnedModel;
  /** JSON lists of contexts in the campaign's order, already stored by `start`. A workflow knows no more of them than their number. */
  readonly train: ArtifactRef;
  readonly heldOut: ArtifactRef;
  readonly contexts: { readonly train: number; readonly heldOut: number };
  /** Of the files that the contexts come from, where they hold anything of the kind. */
  readonly leftOut?: { readonly train?: LeftOut; readonly heldOut?: LeftOut };
  /** The text of `proposals.template`, where the campaign has a prompt of its own. */
  readonly template?: ArtifactRef;
  /** Where a campaign must differ from the defaults. Has no influence on any result. */
  readonly timings?: Partial<CampaignTimings>;
}

export type CandidateStatus = 'scored' | 'rejected' | 'failed';

/** What a candidate's workflow returns: numbers and references only. */
export interface CandidateOutcome {
  readonly contextId: string;
  /** From 1. */
  readonly candidate: number;
  readonly status: CandidateStatus;
  /** Mean over repeats (each rounded to 4 digits, as the reference does); absent unless scored. */
  readonly reward?: number;
  /** Why it was rejected or failed: one line. */
  readonly reason?: string;
  /** What kind of failure it was; only of failed ones. */
  readonly failure?: FailureClass;
  /** sha256 of adapter_model.safetensors, one a repeat. */
  readonly adapters: readonly string[];
}

export interface EpochSummary {
  readonly epoch: number;
  readonly proposed: number;
  readonly rejected: number;
  readonly failed: number;
  readonly kept: number;
  readonly meanReward: number;
  readonly bestReward: number;
  /** Contexts with at least two scored candidates, so that there was something to choose. */
  readonly compared: number;
  /** Of these, the ones whose candidates all have equal rewards: what was kept there is the first proposed. */
  readonly tied: number;
}

/**
 * Why the unadapted policy answered for a held-out run: its self-edit was rejected, or its training diverged. Both count in the
 * method's mean, since leaving them out would flatter the method.
 */
export type UnadaptedReason = 'rejected' | 'diverged';

export interface MethodScore {
  /** base, passage-only, passage-only-step-matched, self-edits, seal-epoch-1, ..., oracle. */
  readonly name: string;
  readonly grader: string;
  /** Mean over contexts of the context's mean over questions. */
  readonly score: number;
  readonly standardError: number;
  /** Contexts. */
  readonly n: number;
  /** What the contexts' means are over: contexts x self-edits x repeats. */
  readonly runs: number;
  /** Of these, the ones that the unadapted policy answered for. */
  readonly rejected: number;
  readonly diverged: number;
  /** Mean trained tokens of a fine-tune (0 for base). */
  readonly meanTokens: number;
  /** Mean optimiser steps of a fine-tune; 0 of a rejected or diverged one. */
  readonly meanSteps: number;
}

export interface Comparison {
  readonly a: string;
  readonly b: string;
  /** Mean over contexts of score(a) - score(b). */
  readonly difference: number;
  readonly pairedStandardError: number;
  readonly n: number;
}

export type CampaignState = 'running' | 'paused' | 'completed' | 'failed' | 'cancelled';

/** Query `progress`: what `status` prints (contract) and `watch` draws. */
export interface CampaignProgress {
  readonly campaignId: string;
  readonly state: CampaignState;
  /** 0 while baselines run. */
  readonly epoch: number;
  /** Of the whole campaign so far; total counts every epoch's planned candidates. */
  readonly candidates: {
    readonly total: number;
    readonly running: number;
    readonly done: number;
    readonly failed: number;
    readonly rejected: number;
  };
  /** What is going on, in words: "evaluating baselines", "epoch 1: candidates", "epoch 1: M-step". */
  readonly phase: string;
  /** Finished candidates' timestamps allow a rate; null until one finished. */
  readonly etaSeconds: number | null;
  /** Number of epochs so far in which every context's rewards are all equal. Absent where there are none. */
  readonly tiedEpochs?: number;
  readonly report?: { readonly key: string };
  /** Since the campaign began. */
  readonly wallSeconds?: number;
}

/** Every operator action is an Update with who and why, so it stays in history. */
export interface OperatorAction {
  readonly by: string;
  readonly why: string;
}

export const campaignMessages = {
  progressQuery: 'progress',
  pauseUpdate: 'pause',
  resumeUpdate: 'resume',
  cancelUpdate: 'cancel',
  setConcurrencyUpdate: 'setConcurrency',
  retryFailedUpdate: 'retryFailed',
} as const;
