/** What crosses between a worker (or the command line) and the compute process that holds the language model. */

/** The seven projections of a Llama block that LoRA can adapt, in the order PEFT's `all-linear` finds them. */
export const PROJECTIONS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'] as const;
export type Projection = (typeof PROJECTIONS)[number];

/** A part of a text, in UTF-16 code units: `to` is the first that no longer belongs to it. */
export type TextSpan = readonly [from: number, to: number];

/**
 * Where the special tokens that a text spells out are control tokens: everywhere, nowhere, or where they lie wholly in one of these parts.
 * Elsewhere they are plain text, as everything that a user, a data set, a policy or an endpoint wrote is by default.
 */
export type ParseSpecial = boolean | readonly TextSpan[];

/** One training row: the loss falls on all tokens but the first of `text`, or on the completion; and on the row's EOS. */
export type TrainingRow = RowContent & {
  /** Fine-tuning appends the model's EOS; scoring never does. @default true for a completion, false for a text and for a rendered chat */
  readonly endsWithEos?: boolean;
};

type RowContent =
  | {
      readonly text: string;
      /** @default false */
      readonly parseSpecial?: boolean;
    }
  | {
      readonly prompt: string;
      readonly completion: string;
      /** Both are parts of a rendered chat: their special tokens are in them, the end of the turn too. @default false */
      readonly isChat?: boolean;
      /** In prompt and completion; parts are those of the prompt. @default false, but true for a chat */
      readonly parseSpecial?: ParseSpecial;
    }
  | {
      readonly prompt: string;
      /** What was generated behind the prompt, token by token: its text may have other ids. */
      readonly completionIds: readonly number[];
      /** In the prompt. @default false */
      readonly parseSpecial?: ParseSpecial;
    };

/** Where graphs run; the first that has an operator takes it, the CPU what is left. */
export const EXECUTION_PROVIDERS = ['cpu', 'cuda', 'webgpu'] as const;
export type ExecutionProvider = (typeof EXECUTION_PROVIDERS)[number];
export const BASE_PRECISIONS = ['float32', 'int8'] as const;
export type BasePrecision = (typeof BASE_PRECISIONS)[number];
export const GENERATION_PRECISIONS = ['float32', 'int8', 'int4'] as const;
export type GenerationPrecision = (typeof GENERATION_PRECISIONS)[number];

/** How the frozen base is computed; part of what a result depends on, so it belongs to the lineage. */
export interface ComputeSettings {
  /** @default ['cpu'] */
  readonly executionProviders?: readonly ExecutionProvider[];
  /** Of the frozen projections in fine-tuning: `int8` trades exactness and memory for speed. @default float32 */
  readonly basePrecision?: BasePrecision;
  /** Of the frozen projections in generation. @default float32 */
  readonly generationPrecision?: GenerationPrecision;
}

export type Schedule = 'linear' | 'cosine' | 'constant';

/**
 * The shape of an adapter, in PEFT's words. A module is called by its name in the base model, such as
 * `model.layers.0.self_attn.q_proj`; the patterns' keys are regular expressions that match such a name or its end after a dot.
 */
export interface LoraSettings {
  /** @default 32 */
  readonly rank: number;
  /** Scale is alpha / rank. @default 64 */
  readonly alpha: number;
  /** Names of modules or their ends (`q_proj`); or one regular expression for whole names; or `all-linear`. @default all seven */
  readonly targets: string | readonly string[];
  /** Scale is alpha / sqrt(rank). @default false */
  readonly rsLora?: boolean;
  /** Ranks of some modules; the first key that matches counts. */
  readonly rankPattern?: Readonly<Record<string, number>>;
  /** Alphas of some modules; the first key that matches counts. */
  readonly alphaPattern?: Readonly<Record<string, number>>;
  /** Share of an adapter's input that a training step drops, below 1. @default 0 */
  readonly dropout?: number;
  /** Only these layers, where `targets` is a list. @default all */
  readonly layersToTransform?: number | readonly number[];
  /** What stands before the number of a layer; only with layersToTransform. @default any name */
  readonly layersPattern?: string | readonly string[];
  /** Modules to leave out, said as `targets` are. */
  readonly excludeModules?: string | readonly string[];
}

export interface OptimiserSettings {
  /** Passes over the rows. @default 10 */
  readonly trainEpochs: number;
  /** Peak learning rate. @default 1e-3 */
  readonly learningRate: number;
  /** Rows a step. @default 1 */
  readonly batch: number;
  /** A step's rows are computed in this many parts, whose gradients add up: less memory for the same step. @default 1 */
  readonly accumulation?: number;
  /** @default linear (to 0) */
  readonly schedule: Schedule;
  /** Optimiser steps of linear warm-up from a rate of 0; the schedule is over those that are left. @default 0 */
  readonly warmupSteps: number;
  /** Rows are shuffled anew each train epoch, from the seed. @default true */
  readonly shuffle: boolean;
  /** Global gradient norm is clipped to this. @default 1.0 */
  readonly clipNorm: number;
  /** AdamW's decoupled weight decay. @default 0 */
  readonly weightDecay: number;
  /** Ends after this many optimiser steps, cycling over the rows as often as it takes; replaces trainEpochs. */
  readonly maxSteps?: number;
}

export interface FineTuneJob {
  readonly rows: readonly TrainingRow[];
  readonly optimiser: OptimiserSettings;
  /** Replaces what the request says of every module that its patterns leave out. @default the request's */
  readonly lora?: Partial<Pick<LoraSettings, 'rank' | 'alpha'>>;
  /** Unsigned 32-bit: initial A matrices and row order. */
  readonly seed: number;
  /** PEFT directory to start from instead of a fresh adapter. */
  readonly initAdapterDirectory?: string;
  /** Where the PEFT adapter directory is written (created; files replaced atomically). */
  readonly outDirectory: string;
}

/** Where a training keeps what it takes to go on after its process died. Has no influence on its bits. */
export interface CheckpointSettings {
  /** Of this training alone; the newest whole checkpoint in it is gone on from. Created. The two newest are kept. */
  readonly directory: string;
  /** From the end of one checkpoint to the beginning of the next. */
  readonly seconds: number;
  /** Of all that the bits of this training depend on: a checkpoint of another one is refused. */
  readonly fingerprint: string;
}

/** Jobs of one request share base and adapted modules and are trained stacked, one optimiser step of every job at a time. */
export interface FineTuneRequest {
  readonly modelDirectory: string;
  readonly compute?: ComputeSettings;
  readonly lora: LoraSettings;
  /** Computes each layer again in the backward pass instead of keeping what it computed: less memory, more time. @default false */
  readonly gradientCheckpointing?: boolean;
  /** Refused, before it starts, if it is expected to need more than this. @default no limit */
  readonly memoryLimitBytes?: number;
  /** @default none are written or read */
  readonly checkpoints?: CheckpointSettings;
  readonly jobs: readonly FineTuneJob[];
}

/** A line of `--loss-log`. `step` counts from 0. */
export interface StepLog {
  readonly step: number;
  /** Mean over the step's loss tokens, natural log. */
  readonly loss: number;
  readonly learningRate: number;
  readonly lossTokens: number;
}

export type FineTuneOutcome =
  | {
      readonly status: 'done';
      readonly steps: number;
      readonly finalLoss: number;
      /** Loss tokens summed over steps. */
      readonly trainedTokens: number;
      readonly log: readonly StepLog[];
    }
  /** This job's loss or gradient was not finite; the others of the request are unharmed. */
  | { readonly status: 'failed'; readonly code: 'NOT_FINITE'; readonly step: number; readonly message: string };

export interface FineTuneResult {
  readonly outcomes: readonly FineTuneOutcome[];
  /** Wall time of the whole request. */
  readonly seconds: number;
  /** Steps of all jobs that a checkpoint had, so that they were not computed here. @default 0 */
  readonly resumedSteps?: number;
}

export interface GenerateRow {
  readonly prompt: string;
  /** The prompt has its special tokens in it already, as a rendered chat does. @default false */
  readonly hasSpecialTokens?: boolean;
  /** @default false, but true where the prompt has its special tokens already */
  readonly parseSpecial?: ParseSpecial;
  /** Unsigned 32-bit; only read when temperature > 0. */
  readonly seed?: number;
}

/** Rows answered by one adapter (or by the base itself). */
export interface AdapterRows<Row> {
  /** PEFT directory; null: the base model. */
  readonly adapterDirectory: string | null;
  readonly rows: readonly Row[];
}

export interface GenerateRequest {
  readonly modelDirectory: string;
  readonly compute?: ComputeSettings;
  /** Several adapters are run stacked, whatever their ranks and modules. */
  readonly groups: readonly AdapterRows<GenerateRow>[];
  readonly maxNewTokens: number;
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topP: number;
  /** Text at which a row ends; neither it nor what follows is in `text`. */
  readonly stop?: readonly string[];
  /** Asks for the log-probability of each token. @default false */
  readonly logprobs?: boolean;
  /** Rows are answered this many times fewer at once than they would be. @default 1 */
  readonly memoryParts?: number;
}

export interface GeneratedRow {
  readonly text: string;
  readonly tokenIds: readonly number[];
  readonly finish: 'eos' | 'stop' | 'length';
  /** Of each of `tokenIds`, natural log, before temperature and top-p; where the request asks for it. */
  readonly logprobs?: readonly number[];
}

export interface GenerateResult {
  /** Same order as the request's groups and rows. */
  readonly groups: readonly (readonly GeneratedRow[])[];
  readonly generatedTokens: number;
  readonly seconds: number;
}

export interface ScoreRequest {
  readonly modelDirectory: string;
  readonly compute?: ComputeSettings;
  readonly groups: readonly AdapterRows<TrainingRow>[];
  /** As GenerateRequest. @default 1 */
  readonly memoryParts?: number;
}

/** Log-probability (natural log, summed) of the completion given its prompt, EOS left out. */
export interface ScoredRow {
  readonly logprob: number;
  readonly tokens: number;
}

export interface ScoreResult {
  readonly groups: readonly (readonly ScoredRow[])[];
  readonly seconds: number;
}

/** How merged weights are stored; they are merged in fp32 whichever it is. */
export const MERGED_DTYPES = ['float32', 'bfloat16'] as const;
export type MergedDtype = (typeof MERGED_DTYPES)[number];

/** Writes base + adapters, merged in order in fp32, as a Hugging Face model directory. */
export interface MergeRequest {
  readonly modelDirectory: string;
  readonly adapterDirectories: readonly string[];
  readonly outDirectory: string;
  /** A policy of a campaign is always float32; an export may be rounded. @default float32 */
  readonly dtype?: MergedDtype;
}

export interface CountTokensRequest {
  readonly modelDirectory: string;
  /** Counted as fine-tuning sees them, special tokens and EOS included. */
  readonly rows: readonly TrainingRow[];
}

export interface ModelDescription {
  readonly architecture: string;
  readonly parameters: number;
  /** Of the stored weights: F32, F16 or BF16. */
  readonly dtype: string;
  readonly contextLength: number;
  readonly vocabularySize: number;
  readonly tied: boolean;
}

export interface ComputeProgress {
  /** Optimiser steps, or tokens, done and in all. */
  readonly done: number;
  readonly total: number;
  readonly unit: 'steps' | 'tokens' | 'rows';
  /** The newest, from which another attempt would go on. */
  readonly checkpoint?: Checkpoint;
}

export interface Checkpoint {
  /** From the compute process, a file; in a heartbeat, the key of its manifest in the store. */
  readonly name: string;
  /** Optimiser steps of all jobs that are in it. */
  readonly steps: number;
}

export interface ComputeOptions {
  /** Aborting kills the compute process; the call rejects with ComputeCancelledError. */
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: ComputeProgress) => void;
  /**
   * The compute process is killed when it gives no sign of life for this long: it gives one after each run of a graph, each session that
   * it opens and each weight that it reads or merges. The call rejects with ComputeStalledError. @default never
   */
  readonly stallMs?: number;
  /** Told, now and then and at the end, the most memory (resident, bytes) that the compute process has held since the call began. */
  readonly onPeakMemory?: (bytes: number) => void;
}

/**
 * The language model as its users see it. Every method may throw BadInputError, OutOfMemoryError, DiskFullError,
 * ComputeProcessDiedError, ComputeStalledError or ComputeCancelledError.
 */
export interface LanguageModel {
  describe(modelDirectory: string, options?: ComputeOptions): Promise<ModelDescription>;
  fineTune(request: FineTuneRequest, options?: ComputeOptions): Promise<FineTuneResult>;
  generate(request: GenerateRequest, options?: ComputeOptions): Promise<GenerateResult>;
  score(request: ScoreRequest, options?: ComputeOptions): Promise<ScoreResult>;
  merge(request: MergeRequest, options?: ComputeOptions): Promise<void>;
  countTokens(request: CountTokensRequest, options?: ComputeOptions): Promise<readonly number[]>;
  close(): Promise<void>;
}
