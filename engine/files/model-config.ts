import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../contracts/errors';
import type { Projection } from '../../contracts/language-model';
import { describeValue, isJsonObject, readJsonObject, type JsonObject } from './json-file';

/** What the engine needs to know of a model, from its Hugging Face `config.json`. */
export interface ModelConfig {
  readonly architecture: 'llama';
  readonly vocabularySize: number;
  /** Of the residual stream (`hidden_size`). */
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Heads of keys and values; divides `heads`. */
  readonly kvHeads: number;
  /** Even. Not always width / heads. */
  readonly headDim: number;
  readonly ffnWidth: number;
  readonly normEpsilon: number;
  readonly ropeTheta: number;
  /** Tokens (`max_position_embeddings`). */
  readonly contextLength: number;
  /** The output head is the embedding matrix. */
  readonly tied: boolean;
  readonly bosTokenId: number | null;
  /** Those of config.json first, then those of generation_config.json, without repeats. */
  readonly eosTokenIds: readonly number[];
}

/**
 * Reads and checks `config.json` (and `generation_config.json`, if there).
 *
 * Absent optional fields take the values that the format gives them for Llama. What the engine does not compute
 * (other architectures, scaled rotary embeddings, biases, quantised weights) is refused by name.
 *
 * @throws BadInputError naming file and field
 */
export function readModelConfig(directory: string): ModelConfig {
  const file = join(directory, 'config.json');
  const json = readJsonObject(file);
  const reader = new FieldReader(file, json);
  refuseUnsupported(file, json);
  const heads = reader.positiveInteger('num_attention_heads');
  const width = reader.positiveInteger('hidden_size');
  const config: ModelConfig = {
    architecture: 'llama',
    vocabularySize: reader.positiveInteger('vocab_size'),
    width,
    layers: reader.positiveInteger('num_hidden_layers'),
    heads,
    kvHeads: reader.positiveInteger('num_key_value_heads', heads),
    headDim: reader.positiveInteger('head_dim', width / heads),
    ffnWidth: reader.positiveInteger('intermediate_size'),
    normEpsilon: reader.positiveNumber('rms_norm_eps', 1e-6),
    ropeTheta: readRopeTheta(file, json),
    contextLength: reader.positiveInteger('max_position_embeddings', 2048),
    tied: reader.boolean('tie_word_embeddings', false),
    bosTokenId: reader.tokenIds('bos_token_id')[0] ?? null,
    eosTokenIds: [...new Set([...reader.tokenIds('eos_token_id'), ...generationEosTokenIds(directory)])],
  };
  checkConsistency(file, config);
  return config;
}

/** [out, in] of a projection's weight. */
export function projectionShape(config: ModelConfig, projection: Projection): readonly [outWidth: number, inWidth: number] {
  const queryWidth = config.heads * config.headDim;
  const keyValueWidth = config.kvHeads * config.headDim;
  switch (projection) {
    case 'q_proj':
      return [queryWidth, config.width];
    case 'k_proj':
    case 'v_proj':
      return [keyValueWidth, config.width];
    case 'o_proj':
      return [config.width, queryWidth];
    case 'gate_proj':
    case 'up_proj':
      return [config.ffnWidth, config.width];
    case 'down_proj':
      return [config.width, config.ffnWidth];
  }
}

/** A projection's module path inside a layer, as Hugging Face names it: `self_attn.q_proj`, `mlp.up_proj`. */
export function projectionModule(layer: number, projection: Projection): string {
  const block = projection === 'gate_proj' || projection === 'up_proj' || projection === 'down_proj' ? 'mlp' : 'self_attn';
  return `model.layers.${layer}.${block}.${projection}`;
}

class FieldReader {
  constructor(
    private readonly file: string,
    private readonly json: JsonObject,
  ) {}

  positiveInteger(field: string, absent?: number): number {
    return this.read(field, absent, 'a positive integer', (value): value is number => Number.isSafeInteger(value) && (value as number) > 0);
  }

  positiveNumber(field: string, absent?: number): number {
    return this.read(field, absent, 'a positive number', isPositiveNumber);
  }

  boolean(field: string, absent: boolean): boolean {
    return this.read(field, absent, 'true or false', (value): value is boolean => typeof value === 'boolean');
  }

  /** One id, a list of ids, or null (none). */
  tokenIds(field: string): readonly number[] {
    const value = this.json[field] ?? [];
    const ids: unknown = Array.isArray(value) ? value : [value];
    if (Array.isArray(ids) && ids.every((id) => Number.isSafeInteger(id) && (id as number) >= 0)) return ids as number[];
    throw new BadInputError({ where: `${this.file}: ${field}`, expected: 'a token id, a list of them, or null', got: describeValue(value) });
  }

  private read<T>(field: string, absent: T | undefined, expected: string, accepts: (value: unknown) => value is T): T {
    const value = this.json[field] ?? absent;
    if (accepts(value)) return value;
    throw new BadInputError({ where: `${this.file}: ${field}`, expected, got: describeValue(value) });
  }
}

function isPositiveNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0;
}

function refuseUnsupported(file: string, json: JsonObject): void {
  const refuse = (field: string, expected: string): never => {
    throw new BadInputError({ where: `${file}: ${field}`, expected, got: describeValue(json[field]) });
  };
  if (json['model_type'] !== 'llama') refuse('model_type', '"llama" (no other architecture is supported)');
  const architectures = json['architectures'];
  if (architectures !== undefined && !(Array.isArray(architectures) && architectures[0] === 'LlamaForCausalLM')) {
    refuse('architectures', '["LlamaForCausalLM"]');
  }
  if ((json['hidden_act'] ?? 'silu') !== 'silu') refuse('hidden_act', '"silu"');
  for (const field of ['attention_bias', 'mlp_bias']) {
    if ((json[field] ?? false) !== false) refuse(field, 'false (biases are not supported)');
  }
  if ((json['quantization_config'] ?? null) !== null) refuse('quantization_config', 'nothing (quantised weights are not supported)');
  if ((json['partial_rotary_factor'] ?? 1) !== 1) refuse('partial_rotary_factor', '1');
}

/** `rope_theta` stands at the top level, or in `rope_parameters` where transformers 5 wrote the file. */
function readRopeTheta(file: string, json: JsonObject): number {
  for (const field of ['rope_scaling', 'rope_parameters']) {
    const value = json[field] ?? {};
    const kind = isJsonObject(value) ? (value['rope_type'] ?? value['type'] ?? 'default') : value;
    if (kind !== 'default') {
      throw new BadInputError({ where: `${file}: ${field}`, expected: 'rope_type "default" (scaled rotary embeddings are not supported)', got: describeValue(value) });
    }
  }
  const parameters = json['rope_parameters'];
  const inParameters = isJsonObject(parameters) ? parameters['rope_theta'] : undefined;
  const ropeTheta = inParameters ?? json['rope_theta'] ?? 10_000;
  if (isPositiveNumber(ropeTheta)) return ropeTheta;
  throw new BadInputError({ where: `${file}: rope_theta`, expected: 'a positive number', got: describeValue(ropeTheta) });
}

function generationEosTokenIds(directory: string): readonly number[] {
  const file = join(directory, 'generation_config.json');
  return existsSync(file) ? new FieldReader(file, readJsonObject(file)).tokenIds('eos_token_id') : [];
}

function checkConsistency(file: string, config: ModelConfig): void {
  if (config.heads % config.kvHeads !== 0) {
    throw new BadInputError({ where: `${file}: num_key_value_heads`, expected: `a divisor of num_attention_heads (${config.heads})`, got: String(config.kvHeads) });
  }
  if (config.headDim % 2 !== 0) {
    throw new BadInputError({ where: `${file}: head_dim`, expected: 'an even number', got: String(config.headDim) });
  }
  const ids = config.bosTokenId === null ? config.eosTokenIds : [config.bosTokenId, ...config.eosTokenIds];
  const outside = ids.find((id) => id >= config.vocabularySize);
  if (outside !== undefined) {
    throw new BadInputError({ where: `${file}: bos_token_id, eos_token_id`, expected: `ids below vocab_size (${config.vocabularySize})`, got: String(outside) });
  }
}
