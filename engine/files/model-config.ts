import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../campaign/errors';
import { PROJECTIONS, type Projection } from '../../campaign/language-model';
import { ConfigFields } from './config-fields';
import { readJsonObject, type JsonObject } from './json-file';
import { type RopeScaling, readRopeConfig } from './rope-config';

/** Kinds of model that the engine computes, as `model_type` names them. */
export type Architecture = 'llama' | 'qwen2';

/** What the engine needs to know of a model, from its Hugging Face `config.json`. */
export interface ModelConfig {
  readonly architecture: Architecture;
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
  /** Projections that add a bias to their output. */
  readonly biases: readonly Projection[];
  readonly normEpsilon: number;
  readonly ropeTheta: number;
  /** null: rotary frequencies are not scaled. */
  readonly ropeScaling: RopeScaling | null;
  /** Tokens (`max_position_embeddings`). */
  readonly contextLength: number;
  /** The output head is the embedding matrix. */
  readonly tied: boolean;
  readonly bosTokenId: number | null;
  /** Those of config.json first, then those of generation_config.json, without repeats. */
  readonly eosTokenIds: readonly number[];
}

/** What an architecture's config leaves unsaid. Source: transformers 5, `configuration_llama.py`, `configuration_qwen2.py`. */
interface ArchitectureDefaults {
  /** First of `architectures`. */
  readonly causalModel: string;
  readonly contextLength: number;
  /** null: as many as heads. */
  readonly kvHeads: number | null;
}

const ARCHITECTURES: Readonly<Record<Architecture, ArchitectureDefaults>> = {
  llama: { causalModel: 'LlamaForCausalLM', contextLength: 2048, kvHeads: null },
  qwen2: { causalModel: 'Qwen2ForCausalLM', contextLength: 32_768, kvHeads: 32 },
};

/**
 * Reads and checks `config.json` (and `generation_config.json`, if there).
 *
 * Absent optional fields take the values that the format gives them for the architecture. What the engine does not compute
 * (other architectures, sliding windows, other rotary scalings, quantised weights, factors of attention or logits) is refused by name.
 *
 * @throws BadInputError naming file and field
 */
export function readModelConfig(directory: string): ModelConfig {
  const file = join(directory, 'config.json');
  const json = readJsonObject(file);
  const fields = new ConfigFields(file, json);
  const architecture = readArchitecture(json, fields);
  const defaults = ARCHITECTURES[architecture];
  refuseUnsupported(json, fields);
  const heads = fields.positiveInteger('num_attention_heads');
  const width = fields.positiveInteger('hidden_size');
  const config: ModelConfig = {
    architecture,
    vocabularySize: fields.positiveInteger('vocab_size'),
    width,
    layers: fields.positiveInteger('num_hidden_layers'),
    heads,
    kvHeads: fields.positiveInteger('num_key_value_heads', json['num_key_value_heads'] === undefined ? (defaults.kvHeads ?? heads) : heads),
    headDim: fields.positiveInteger('head_dim', width / heads),
    ffnWidth: fields.positiveInteger('intermediate_size'),
    biases: readBiases(architecture, fields),
    normEpsilon: fields.positiveNumber('rms_norm_eps', 1e-6),
    ...readRopeConfig(file, json),
    contextLength: fields.positiveInteger('max_position_embeddings', defaults.contextLength),
    tied: fields.boolean('tie_word_embeddings', false),
    bosTokenId: fields.tokenIds('bos_token_id')[0] ?? null,
    eosTokenIds: [...new Set([...fields.tokenIds('eos_token_id'), ...generationEosTokenIds(directory)])],
  };
  checkConsistency(file, config);
  refuseWindows(json, fields, config);
  return config;
}

/** Names of the embedding matrix and of an output head of its own, as Hugging Face has them. */
export const EMBEDDINGS = 'model.embed_tokens.weight';
export const HEAD = 'lm_head.weight';

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

function readArchitecture(json: JsonObject, fields: ConfigFields): Architecture {
  const type = json['model_type'];
  if (type !== 'llama' && type !== 'qwen2') throw fields.refusal('model_type', '"llama" or "qwen2" (no other architecture is supported)');
  const architectures = json['architectures'] ?? null;
  const { causalModel } = ARCHITECTURES[type];
  if (architectures !== null && !(Array.isArray(architectures) && architectures[0] === causalModel)) {
    throw fields.refusal('architectures', `["${causalModel}"]`);
  }
  return type;
}

const ATTENTION: readonly Projection[] = ['q_proj', 'k_proj', 'v_proj', 'o_proj'];

/** Qwen2 always has biases on queries, keys and values; of Llama, two fields say it. */
function readBiases(architecture: Architecture, fields: ConfigFields): readonly Projection[] {
  if (architecture === 'qwen2') return ['q_proj', 'k_proj', 'v_proj'];
  const [attention, mlp] = [fields.boolean('attention_bias', false), fields.boolean('mlp_bias', false)];
  return PROJECTIONS.filter((projection) => (ATTENTION.includes(projection) ? attention : mlp));
}

/**
 * Fields that change what a model computes, with the values for which this engine computes the same; null is always one. Those of other
 * architectures stand here too: there they have an effect, and whoever wrote them here meant one.
 */
const NEUTRAL_VALUES: Readonly<Record<string, readonly unknown[]>> = {
  hidden_act: ['silu', 'swish'],
  quantization_config: [],
  attention_dropout: [0],
  attn_logit_softcapping: [],
  final_logit_softcapping: [],
  query_pre_attn_scalar: [],
  attention_multiplier: [],
  embedding_multiplier: [1],
  residual_multiplier: [1],
  logits_scaling: [1],
  logit_scale: [1],
  clip_qkv: [],
  use_qk_norm: [false],
  qk_layernorm: [false],
  is_causal: [true],
  attention_chunk_size: [],
  partial_rotary_factor: [1],
  rotary_pct: [1],
  no_rope_layers: [],
  per_layer_config: [],
};

function refuseUnsupported(json: JsonObject, fields: ConfigFields): void {
  for (const [field, neutral] of Object.entries(NEUTRAL_VALUES)) {
    const value = json[field] ?? null;
    if (value === null || neutral.includes(value)) continue;
    throw fields.refusal(field, neutral.length === 0 ? 'nothing (not supported)' : `${JSON.stringify(neutral[0])} (not supported otherwise)`);
  }
}

/**
 * A window is harmless where no layer has one, or where it is as long as the context. Of Llama, transformers reads it in its cache only;
 * others read it everywhere.
 */
function refuseWindows(json: JsonObject, fields: ConfigFields, { architecture, layers, contextLength }: ModelConfig): void {
  const isOn = fields.boolean('use_sliding_window', architecture === 'llama') && json['sliding_window'] !== null;
  const isSaid = json['sliding_window'] !== undefined || architecture === 'qwen2';
  const window = isOn && isSaid ? fields.positiveInteger('sliding_window', 4096) : undefined;
  const layerTypes = json['layer_types'] ?? null;
  if (layerTypes !== null) {
    const computed: readonly unknown[] = window !== undefined && window >= contextLength ? ['full_attention', 'sliding_attention'] : ['full_attention'];
    if (Array.isArray(layerTypes) && layerTypes.length === layers && layerTypes.every((type) => computed.includes(type))) return;
    throw fields.refusal('layer_types', `"full_attention" for each of ${layers} layers (no other attention is supported)`);
  }
  if (window === undefined || window >= contextLength) return;
  const fullLayers = architecture === 'qwen2' ? (json['max_window_layers'] ?? 28) : 0;
  if (typeof fullLayers === 'number' && fullLayers >= layers) return;
  throw fields.refusal('sliding_window', `at least the ${contextLength} tokens of the context (attention within a window is not supported)`);
}

function generationEosTokenIds(directory: string): readonly number[] {
  const file = join(directory, 'generation_config.json');
  return existsSync(file) ? new ConfigFields(file, readJsonObject(file)).tokenIds('eos_token_id') : [];
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
