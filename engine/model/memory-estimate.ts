import type { LoraSettings } from '../../campaign/language-model';
import type { ModelDirectory } from '../files/model-directory';
import { type DimSizes, type GraphMemory, graphMemory } from '../graph/memory';
import { decodingGraph } from './generation/decoding-graph';
import { cacheBytesAToken } from './generation/key-value-cache';
import { loraLayout } from './lora/lora';
import { type TrainingOptions, gradientGraph } from './training/training-graph';

/** The most that a compute process is expected to hold, in bytes, by what for. */
export interface MemoryEstimate {
  readonly total: number;
  /** Node and ONNX Runtime themselves, with the session's graph. */
  readonly program: number;
  /** Frozen weights as they are computed with. */
  readonly weights: number;
  /** Weights in mapped files: the system can take them back. */
  readonly mapped: number;
  /** What a run computes and keeps: activations for the backward pass, logits; at least what casting weights takes before the first. */
  readonly values: number;
  /** LoRA parameters with their moments and gradients; keys and values in generation. */
  readonly state: number;
}

export interface TrainingMemorySettings extends TrainingOptions {
  readonly lora: LoraSettings;
  /** Tokens of a row. */
  readonly length: number;
  /** Rows of a step. */
  readonly batch: number;
  /** Adapters trained together. @default 1 */
  readonly adapters?: number;
}

export interface GenerationMemorySettings {
  /** Prompts answered together. */
  readonly rows: number;
  readonly promptTokens: number;
  readonly newTokens: number;
}

/** What the walk over a graph (`graphMemory`) leaves out, measured as the peak of compute processes on Linux (docs/adr/0010). */
const MEASURED = {
  /** Of Node and ONNX Runtime, and of each operator of a run. */
  programBytes: 85e6,
  nodeBytes: 25e3,
  /** Held for each byte of values that the walk finds, in ONNX Runtime's arena. */
  values: 1.15,
  /** Arrays of the size of an adapter, beside those within the graph: the state on its way in and out. */
  adapterArrays: 6.8,
  /** Arrays of the size of the cache: it grows by being copied. */
  cacheArrays: 1.5,
} as const;

const FLOAT_BYTES = 4;

/**
 * Memory of LoRA fine-tuning with rows of one length.
 *
 * @throws BadInputError if the adapter's targets do not fit the model
 */
export function estimateTrainingMemory(model: ModelDirectory, settings: TrainingMemorySettings): MemoryEstimate {
  const { lora, length: T, batch: B, adapters: N = 1 } = settings;
  const layout = loraLayout(model.config, lora);
  const { graph, prepacking = true } = gradientGraph(model, layout, settings);
  const state = MEASURED.adapterArrays * layout.size * N * FLOAT_BYTES;
  const memory = graphMemory(graph, { N, B, T }, { prepacking });
  // What casting weights takes while the session opens is held, or goes into their second packed copies, for the backward pass; what
  // rounding them takes is not.
  const opening = settings.basePrecision === 'int8' ? memory.folded : 0;
  return estimate({ ...memory, cast: opening }, state);
}

/** Memory of generation by the base. */
export function estimateGenerationMemory(model: ModelDirectory, { rows, promptTokens, newTokens }: GenerationMemorySettings): MemoryEstimate {
  const { graph } = decodingGraph(model, null);
  // Prompts are run a few at a time, then all rows a token at a time.
  const [T, together] = [Math.min(promptTokens, PREFILL_TOKENS), Math.max(1, Math.min(rows, Math.floor(PREFILL_TOKENS / promptTokens)))];
  const slots = promptTokens + newTokens;
  const walks = [decodingSizes(together, T, promptTokens), decodingSizes(rows, 1, slots)].map((sizes) => graphMemory(graph, sizes));
  const [prefill, decode] = walks as [GraphMemory, GraphMemory];
  const cache = MEASURED.cacheArrays * rows * slots * cacheBytesAToken(model.config);
  return estimate(prefill.values > decode.values ? prefill : decode, cache);
}

/** Tokens of one run of prompts, as `prefill` bounds them. */
const PREFILL_TOKENS = 1024;

function decodingSizes(rows: number, T: number, slots: number): DimSizes {
  return { N: 1, B: rows, T, S: slots, L: rows };
}

function estimate({ weights, mapped, cast, values, operators }: GraphMemory, state: number): MemoryEstimate {
  const parts = {
    program: MEASURED.programBytes + MEASURED.nodeBytes * operators,
    weights,
    mapped,
    values: Math.round(Math.max(MEASURED.values * values, cast)),
    state: Math.round(state),
  };
  return { total: Object.values(parts).reduce((sum, bytes) => sum + bytes, 0), ...parts };
}
