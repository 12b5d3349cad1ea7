import type { LoraSettings } from '../../contracts/language-model';
import type { ModelDirectory } from '../files/model-directory';
import { type DimSizes, type GraphMemory, graphMemory } from '../graph/memory';
import { decodingGraph } from './decoding-graph';
import { cacheBytesAToken } from './key-value-cache';
import { loraLayout } from './lora';
import { type TrainingOptions, trainingGraph } from './training-graph';

/** The most that a compute process is expected to hold, in bytes, by what for. */
export interface MemoryEstimate {
  readonly total: number;
  /** Node and ONNX Runtime themselves. */
  readonly program: number;
  /** Frozen weights as they are computed with; at least what casting them takes while they are read. */
  readonly weights: number;
  /** Weights in mapped files: the system can take them back. */
  readonly mapped: number;
  /** What a run computes and keeps: activations for the backward pass, logits. */
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

/**
 * What the walk over a graph (`graphMemory`) leaves out, measured as the peak of compute processes on Linux (docs/bench.md): the arena
 * grows in powers of two, a product's packed weight is padded, and the optimiser's state passes through several arrays on its way.
 */
const MEASURED = {
  programBytes: 95e6,
  /** Held for each byte that the walk finds. */
  weights: 1.15,
  values: 2.2,
  /** Arrays of the size of an adapter, beside those within the graph. */
  adapterArrays: 16,
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
  const { graph } = trainingGraph(model, layout, settings);
  const state = MEASURED.adapterArrays * layout.size * N * FLOAT_BYTES;
  return estimate(graphMemory(graph, { N, B, T, 'B*N': B * N }), state);
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

function estimate({ weights, mapped, cast, values }: GraphMemory, state: number): MemoryEstimate {
  const held = MEASURED.weights * weights;
  const computed = Math.max(MEASURED.values * values, cast);
  const parts = { program: MEASURED.programBytes, weights: held, mapped, values: computed, state };
  const whole = Object.fromEntries(Object.entries(parts).map(([name, bytes]) => [name, Math.round(bytes)])) as unknown as typeof parts;
  return { total: Object.values(whole).reduce((sum, bytes) => sum + bytes, 0), ...whole };
}
