/** What `report.json` says beyond scores: how the campaign learnt, what it wrote, when which worker did what. */
import type { LedgerRow, Price, Spent } from './ledger';
import type { Work, WorkKind } from './work';

/** One computation of one attempt. Part of no result: attempts differ in it. */
export interface WorkRecord extends Work {
  /** `<process id>@<host>`. */
  readonly worker: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly seconds: number;
  /** `failed`: it broke, took too long or was cancelled. `lost`: its worker was; this is what its heartbeats had told. */
  readonly outcome: 'done' | 'failed' | 'lost';
  /** Of the activity's execution, from 1; what the workflow schedules anew begins at 1 again. */
  readonly attempt: number;
  /** What it cost. */
  readonly spent: Spent;
  /** Of the code that computed it, where the campaign began with other code. */
  readonly codeVersion?: string;
  /** What is worth saying: why a training began anew though it had been under way. */
  readonly note?: string;
}

/** What a reader needs to know to tell this campaign from another. */
export interface CampaignHeader {
  /** Of the campaign file. */
  readonly name: string;
  readonly seed: number;
  /** Last part of the base model's directory. */
  readonly model: string;
  /** One hash over the names and hashes of the base model's files. */
  readonly modelSha256: string;
  readonly codeVersion: string;
}

/** Losses of several fine-tunes at the same part of their training. */
export interface LossPart {
  /** From 1. */
  readonly part: number;
  /** Fine-tunes that have a step in this part. */
  readonly n: number;
  /** 10th percentile, median and 90th percentile of the mean loss over the part's loss tokens, natural log. */
  readonly low: number;
  readonly median: number;
  readonly high: number;
}

/** The inner-loop losses of an epoch's candidates, first repeat. */
export interface EpochLosses {
  readonly epoch: number;
  /** Candidates whose losses were read: evenly spaced in the planned order. */
  readonly sampled: number;
  /** Candidates that were fine-tuned. */
  readonly candidates: number;
  readonly parts: readonly LossPart[];
}

/** The M-step's loss, step by step; of a long one, means over runs of steps. */
export interface PolicyLosses {
  readonly epoch: number;
  /** Optimiser steps in all. */
  readonly steps: number;
  readonly points: readonly { readonly step: number; readonly loss: number }[];
}

export interface CampaignLosses {
  /** What a part is: a pass over the rows, or an equal share of a fine-tune's steps. */
  readonly part: 'pass' | 'share';
  readonly innerLoop: readonly EpochLosses[];
  readonly mStep: readonly PolicyLosses[];
}

/** How the length of an epoch's self-edits goes with their reward. */
export interface LengthCorrelation {
  readonly epoch: number;
  /** Scored candidates. */
  readonly n: number;
  readonly medianCharacters: number;
  /** Pearson's r of characters and reward; null where one of them does not vary. */
  readonly correlation: number | null;
  /** The same with each context's own means taken off both, so that hard and long passages do not pass for long self-edits. */
  readonly withinContexts: number | null;
}

/** A run of computations of one kind by one worker without a visible gap, or of columns in which that kind prevails. */
export interface TimelineBar {
  readonly worker: string;
  readonly kind: WorkKind;
  /** Of the first computation. */
  readonly scope: string;
  readonly outcome: WorkRecord['outcome'];
  /** Since the campaign's first computation. */
  readonly startSeconds: number;
  readonly endSeconds: number;
  readonly computations: number;
}

export interface TimelineWorker {
  readonly worker: string;
  readonly computations: number;
  readonly failed: number;
  readonly busySeconds: number;
}

/** What a scope's computations took. */
export interface ScopeWork {
  readonly scope: string;
  readonly computations: number;
  readonly failed: number;
  readonly seconds: Readonly<Record<WorkKind, number>>;
}

export interface CampaignTimeline {
  /** Of the first computation, ISO 8601; null where nothing is recorded. */
  readonly startedAt: string | null;
  /** From the first computation's start to the last one's end. */
  readonly spanSeconds: number;
  /** Null where bars are as long as their computations; else each column of this length shows what its worker did longest in it. */
  readonly columnSeconds: number | null;
  readonly workers: readonly TimelineWorker[];
  readonly scopes: readonly ScopeWork[];
  readonly bars: readonly TimelineBar[];
}

/** One method's self-edit of a context, as an example. */
export interface ExampleSelfEdit {
  readonly method: string;
  readonly text: string;
  /** Of the self-edit as it was proposed; `text` may be cut. */
  readonly characters: number;
  /** Mean over repeats; null where it was not evaluated. */
  readonly score: number | null;
  /** Nothing could be trained on, or its training diverged (first repeat): the policy answered unadapted. */
  readonly rejected: boolean;
  readonly diverged: boolean;
  readonly answers: readonly { readonly question: string; readonly goldAnswer: string; readonly answer: string | null; readonly score: number }[];
}

/** A held-out context with the self-edits of the policy before and after training. */
export interface Example {
  readonly contextId: string;
  readonly title: string;
  readonly passage: string;
  readonly selfEdits: readonly ExampleSelfEdit[];
}

/** A held-out context's mean score under every method that has one. */
export interface ContextScores {
  readonly contextId: string;
  readonly title: string;
  readonly scores: Readonly<Record<string, number>>;
}

/** What `report.json` adds to scores, epochs and ledger. */
/** An operator's `retry-failed` that tried candidates of an ended epoch again. */
export interface ReportedRevision {
  /** From 1. */
  readonly revision: number;
  readonly by: string;
  readonly why: string;
  readonly retried: { readonly epoch: number; readonly candidates: number };
  /** Whether selection keeps others since, so that the policy is another. */
  readonly changed: boolean;
  /** Epochs that were run again, since they had begun with a policy that counts no more. */
  readonly stale: readonly number[];
}

export interface ReportDetails {
  /**
   * What was computed in parts, for want of memory, with the most parts: candidates by id, and below the campaign's id `epoch-1/m-step` and what evaluations
   * trained and asked.
   */
  readonly lessMemory: readonly { readonly id: string; readonly memoryParts: number }[];
  readonly campaign: CampaignHeader;
  /** Fine-tunes of candidates and of held-out evaluations that ended. */
  readonly fineTunes: number;
  readonly losses: CampaignLosses;
  readonly timeline: CampaignTimeline;
  readonly lengths: readonly LengthCorrelation[];
  readonly examples: readonly Example[];
  readonly contexts: readonly ContextScores[];
  /** What each worker cost. */
  readonly ledgerByWorker: readonly LedgerRow[];
  /** Of all computations; null where the campaign file says no price. */
  readonly cost: (Price & { readonly amount: number }) | null;
  /** Oldest first. Scores and epochs are those of the last. */
  readonly revisions: readonly ReportedRevision[];
}
