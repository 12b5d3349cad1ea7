import type { CampaignReport, CandidateStatus } from '../../contracts/campaign';

/** One candidate as `candidates.csv` and the plots show it. */
export interface CandidateRow {
  /** Workflow id: `<campaign>/epoch-1/<context>/c1`. */
  readonly id: string;
  readonly epoch: number;
  readonly contextId: string;
  readonly title: string;
  /** From 1. */
  readonly candidate: number;
  readonly status: CandidateStatus;
  /** Mean over repeats; null unless scored. */
  readonly reward: number | null;
  readonly repeatRewards: readonly number[];
  /** Kept by the epoch's selection. */
  readonly selected: boolean;
  /** Optimiser steps of one fine-tune; null where there was none. */
  readonly steps: number | null;
  /** Loss tokens summed over the steps of one fine-tune. */
  readonly trainedTokens: number | null;
  /** Why it was rejected or failed; empty if it was scored. */
  readonly reason: string;
  /** sha256 of adapter_model.safetensors, one a repeat. */
  readonly adapters: readonly string[];
  /** Unicode characters of the self-edit as proposed. */
  readonly selfEditCharacters: number | null;
  /** The self-edit was cut off by `proposals.maxNewTokens`, or by the end of the model's context. */
  readonly isCutOff: boolean;
  /** Most parts in which it was computed, for want of memory; 1: all at once. */
  readonly memoryParts: number;
}

/** What a number in the report came from. */
export interface ReportLineage {
  /** Of the campaign file. */
  readonly name: string;
  readonly seed: number;
  readonly codeVersion: string;
  /** Other code that computed parts of it, after an upgrade, with the number of its finished computations. */
  readonly otherCode: readonly { readonly version: string; readonly computations: number }[];
  readonly specSha256: string;
  /** File name -> sha256 of every model file the engine reads. */
  readonly model: Readonly<Record<string, string>>;
  readonly trainSha256: string;
  readonly heldOutSha256: string;
  /** What of the campaign file shaped the result: name -> value. */
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Of the shape below: a stored document of another version is collected anew. */
export const REPORT_DOCUMENT_VERSION = 6;

/** Everything the three report files are rendered from. */
export interface ReportDocument {
  readonly version: typeof REPORT_DOCUMENT_VERSION;
  readonly report: CampaignReport;
  readonly candidates: readonly CandidateRow[];
  readonly lineage: ReportLineage;
}
