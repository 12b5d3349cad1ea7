/** A campaign's report: everything that `report.json`, `candidates.csv` and `report.html` are rendered from. */
import { z } from 'zod';
import { ledgerRowSchema, ledgerSchema, priceSchema } from '../../campaign/ledger';
import { WORK_KINDS } from '../../campaign/work';
import { DocumentType } from '../document-type';
import { JsonFile, list, positive, sha256, whole } from '../json-file';
import { manifestKeys } from '../keys';
import { epochSummarySchema } from './epochs';
import { methodScoreSchema } from './methods';
import { reportedRevision } from './operators';

const state = z.enum(['running', 'paused', 'completed', 'failed', 'cancelled']);
const status = z.enum(['scored', 'rejected', 'failed']);
const amount = z.number().nonnegative();
const text = z.string();

/** What a reader needs to know to tell this campaign from another. */
const campaignHeader = z.strictObject({
  /** Of the campaign file. */
  ...{ name: text, seed: whole },
  /** Last part of the base model's directory. */
  model: text,
  /** One hash over the names and hashes of the base model's files. */
  modelSha256: sha256,
  codeVersion: text,
});

/** Losses of several fine-tunes at the same part of their training. */
const lossPart = z.strictObject({
  part: positive,
  /** Fine-tunes that have a step in this part. */
  n: whole,
  /** 10th percentile, median and 90th percentile of the mean loss over the part's loss tokens, natural log. */
  ...{ low: z.number(), median: z.number(), high: z.number() },
});
export type LossPart = z.infer<typeof lossPart>;

/** The inner-loop losses of an epoch's candidates, first repeat. */
const epochLosses = z.strictObject({
  epoch: positive,
  /** Candidates whose losses were read: evenly spaced in the planned order. */
  sampled: whole,
  /** Candidates that were fine-tuned. */
  candidates: whole,
  parts: list(lossPart),
});
export type EpochLosses = z.infer<typeof epochLosses>;

/** The M-step's loss, step by step; of a long one, means over runs of steps. */
const policyLosses = z.strictObject({
  epoch: positive,
  /** Optimiser steps in all. */
  steps: whole,
  points: list(z.strictObject({ step: whole, loss: z.number() })),
});
export type PolicyLosses = z.infer<typeof policyLosses>;

const campaignLosses = z.strictObject({
  /** What a part is: a pass over the rows, or an equal share of a fine-tune's steps. */
  part: z.enum(['pass', 'share']),
  innerLoop: list(epochLosses),
  mStep: list(policyLosses),
});
export type CampaignLosses = z.infer<typeof campaignLosses>;

/** How the length of an epoch's self-edits goes with their reward. */
const lengthCorrelation = z.strictObject({
  epoch: positive,
  /** Scored candidates. */
  n: whole,
  medianCharacters: amount,
  /** Pearson's r of characters and reward; null where one of them does not vary. */
  correlation: z.number().nullable(),
  /** The same with each context's own means taken off both, so that hard and long passages do not pass for long self-edits. */
  withinContexts: z.number().nullable(),
});
export type LengthCorrelation = z.infer<typeof lengthCorrelation>;

/** A run of computations of one kind by one worker without a visible gap, or of columns in which that kind prevails. */
const timelineBar = z.strictObject({
  worker: text,
  kind: z.enum(WORK_KINDS),
  /** Of the first computation. */
  scope: text,
  outcome: z.enum(['done', 'failed', 'lost']),
  /** Since the campaign's first computation. */
  ...{ startSeconds: z.number(), endSeconds: z.number() },
  computations: whole,
});
export type TimelineBar = z.infer<typeof timelineBar>;

const timelineWorker = z.strictObject({ worker: text, computations: whole, failed: whole, busySeconds: amount });
export type TimelineWorker = z.infer<typeof timelineWorker>;

/** What a scope's computations took. */
const scopeWork = z.strictObject({ scope: text, computations: whole, failed: whole, seconds: z.record(z.enum(WORK_KINDS), amount) });
export type ScopeWork = z.infer<typeof scopeWork>;

const campaignTimeline = z.strictObject({
  /** Of the first computation, ISO 8601; null where nothing is recorded. */
  startedAt: text.nullable(),
  /** From the first computation's start to the last one's end. */
  spanSeconds: amount,
  /** Null where bars are as long as their computations; else each column of this length shows what its worker did longest in it. */
  columnSeconds: amount.nullable(),
  workers: list(timelineWorker),
  scopes: list(scopeWork),
  bars: list(timelineBar),
});
export type CampaignTimeline = z.infer<typeof campaignTimeline>;

/** One method's self-edit of a context, as an example. */
const exampleSelfEdit = z.strictObject({
  method: text,
  text,
  /** Of the self-edit as it was proposed; `text` may be cut. */
  characters: whole,
  /** Mean over repeats; null where it was not evaluated. */
  score: z.number().nullable(),
  /** Nothing could be trained on, or its training diverged (first repeat): the policy answered unadapted. */
  ...{ rejected: z.boolean(), diverged: z.boolean() },
  answers: list(z.strictObject({ question: text, goldAnswer: text, answer: text.nullable(), score: z.number() })),
});
export type ExampleSelfEdit = z.infer<typeof exampleSelfEdit>;

/** A held-out context with the self-edits of the policy before and after training. */
const example = z.strictObject({ contextId: text, title: text, passage: text, selfEdits: list(exampleSelfEdit) });
export type Example = z.infer<typeof example>;

/** A held-out context's mean score under every method that has one. */
const contextScores = z.strictObject({ contextId: text, title: text, scores: z.record(text, z.number()) });
export type ContextScores = z.infer<typeof contextScores>;

/** `cutOff`: self-edits that the limit of their tokens cut off; they are learnt without an end. */
const reportedEpoch = epochSummarySchema.extend({ cutOff: whole });
export type ReportedEpoch = z.infer<typeof reportedEpoch>;

const campaignReport = z.strictObject({
  campaignId: text,
  state,
  methods: list(methodScoreSchema),
  epochs: list(reportedEpoch),
  comparisons: list(z.strictObject({ a: text, b: text, difference: z.number(), pairedStandardError: amount, n: whole })),
  ledger: ledgerSchema,
  /** Candidates left out of selection, by id, with the reason. */
  excluded: list(z.strictObject({ id: text, status, reason: text })),
  /**
   * What was computed in parts, for want of memory, with the most parts: candidates by id, and below the campaign's id `epoch-1/m-step` and what evaluations
   * trained and asked.
   */
  lessMemory: list(z.strictObject({ id: text, memoryParts: positive })),
  campaign: campaignHeader,
  /** Fine-tunes of candidates and of held-out evaluations that ended. */
  fineTunes: whole,
  losses: campaignLosses,
  timeline: campaignTimeline,
  lengths: list(lengthCorrelation),
  examples: list(example),
  contexts: list(contextScores),
  /** What each worker cost. */
  ledgerByWorker: list(ledgerRowSchema),
  /** Of all computations; null where the campaign file says no price. */
  cost: priceSchema.extend({ amount }).nullable(),
  /** Oldest first. Scores and epochs are those of the last. */
  revisions: list(reportedRevision),
});
/** `report.json` (contract). */
export type CampaignReport = Readonly<z.infer<typeof campaignReport>>;

/** One candidate as `candidates.csv` and the plots show it. */
const candidateRow = z.strictObject({
  /** Workflow id: `<campaign>/epoch-1/<context>/c1`. */
  id: text,
  epoch: positive,
  contextId: text,
  title: text,
  candidate: positive,
  status,
  /** Mean over repeats; null unless scored. */
  reward: z.number().nullable(),
  repeatRewards: list(z.number()),
  /** Kept by the epoch's selection. */
  selected: z.boolean(),
  /** Optimiser steps of one fine-tune; null where there was none. */
  steps: whole.nullable(),
  /** Loss tokens summed over the steps of one fine-tune. */
  trainedTokens: whole.nullable(),
  /** Why it was rejected or failed; empty if it was scored. */
  reason: text,
  /** sha256 of their weights, one a repeat. */
  adapters: list(sha256),
  /** Unicode characters of the self-edit as proposed. */
  selfEditCharacters: whole.nullable(),
  /** The self-edit was cut off by `proposals.maxNewTokens`, or by the end of the model's context. */
  isCutOff: z.boolean(),
  /** Most parts in which it was computed, for want of memory; 1: all at once. */
  memoryParts: positive,
});
export type CandidateRow = Readonly<z.infer<typeof candidateRow>>;

/** What a number in the report came from. */
const reportLineage = z.strictObject({
  /** Of the campaign file. */
  ...{ name: text, seed: whole },
  codeVersion: text,
  /** Other code that computed parts of it, after an upgrade, with the number of its finished computations. */
  otherCode: list(z.strictObject({ version: text, computations: whole })),
  specSha256: sha256,
  /** File name -> sha256 of every model file the engine reads. */
  model: z.record(text, sha256),
  ...{ trainSha256: sha256, heldOutSha256: sha256 },
  /** What of the campaign file shaped the result: name -> value. */
  settings: z.record(text, z.unknown()),
});

const reportDocumentSchema = z.strictObject({ report: campaignReport, candidates: list(candidateRow), lineage: reportLineage });
export type ReportDocument = Readonly<z.infer<typeof reportDocumentSchema>>;

export const reportFile = new JsonFile<CampaignReport>('report.json', campaignReport);
export const documentFile = new JsonFile<ReportDocument>('document.json', reportDocumentSchema);
export const [CANDIDATES_FILE, PAGE_FILE] = ['candidates.csv', 'report.html'];
/** Its summary is what nothing else in the record tells, should the report be collected anew. */
export const publishedReport = new DocumentType('report', [manifestKeys.report, manifestKeys.partialReport], [reportFile, documentFile], z.strictObject({ state, wallSeconds: amount }));
