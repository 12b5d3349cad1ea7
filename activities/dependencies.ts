import type { LanguageModel } from '../campaign/language-model';
import type { Machine } from '../campaign/machine';
import type { Endpoints } from '../endpoint/endpoints';
import type { ReportDocument } from '../record/documents/report';
import type { Domains } from '../seal/domains/registry';
import type { ArtifactStore } from '../storage/artifact-store';
import type { WorkflowWatcher } from './execution/workflow-watcher';
import type { HistoryReader } from './stored/history-reader';

/** What of a model needs none of its weights. */
export type Tokenizer = Pick<LanguageModel, 'describe' | 'countTokens'>;

/** What the activities work with; `workers/` builds it, tests replace it. */
export interface ActivityDependencies {
  readonly model: LanguageModel;
  /** Answers while `model` is at work. @default model */
  readonly tokenizer?: Tokenizer;
  /** Where `model` computes, for the lineage. @default not recorded */
  readonly machine?: Machine;
  /** Of the code that this process runs. @default that which the campaign began with */
  readonly codeVersion?: string;
  readonly store: ArtifactStore;
  /** That campaigns can have. @default those of this code */
  readonly domains?: Domains;
  /** What campaigns ask over HTTP, with keys from this process's environment. @default those of this process's environment */
  readonly endpoints?: Endpoints;
  /** Tells how workflows end. @default one that knows of none: for processes that serve no campaign */
  readonly workflows?: WorkflowWatcher;
  /** Policies, adapters and unfinished work of this machine; everything in it can be made again. */
  readonly cacheDirectory: string;
  /** Most bytes of policies and adapters in it. @default null: as `DirectoryCache` says */
  readonly cacheBytes?: number | null;
  /** Asked before anything is computed: throws DiskFullError while this machine has no room. @default never */
  readonly refuseFullDisk?: () => Promise<void>;
  /** Where histories are read from to be archived. @default none: `archiveHistories` fails */
  readonly histories?: HistoryReader;
  /** Draws `report.html`. @default renderReportHtml */
  readonly renderHtml?: (document: ReportDocument) => Promise<string>;
  /** Between two heartbeats of a running activity. @default 2000 */
  readonly heartbeatIntervalMs?: number;
}
