import { cpSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../../campaign/errors';
import { readModelConfig, type ModelConfig } from '../../../engine/files/model-config';
import { SHARED_DATA, goldenModel } from '../../golden/golden-values';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();

/** Reads a golden model's configuration with some fields replaced; undefined leaves a field out. */
function readWith(name: string, fields: Readonly<Record<string, unknown>>): ModelConfig {
  const copy = directory.path(name);
  cpSync(goldenModel(name), copy, { recursive: true });
  const file = join(copy, 'config.json');
  const json = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  writeFileSync(file, JSON.stringify({ ...json, layer_types: undefined, rope_theta: undefined, rope_scaling: undefined, rope_parameters: undefined, ...fields }));
  return readModelConfig(copy);
}

/** The refusal, or what is read instead of one. */
function refusal(name: string, fields: Readonly<Record<string, unknown>>): string {
  try {
    return `read: ${JSON.stringify(readWith(name, fields))}`;
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    return error.message.slice(error.message.indexOf('config.json: ') + 'config.json: '.length);
  }
}

const LLAMA3 = { rope_type: 'llama3', factor: 32, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 };
const STRETCHED = { ropeTheta: 500_000, ropeScaling: { type: 'llama3', factor: 32, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 64 } };
const FULL = { rope_type: 'default', rope_theta: 500_000 };
const LOCAL = { rope_type: 'default', rope_theta: 10_000 };

describe('rotary embeddings given for each kind of layer', () => {
  it.each<[what: string, fields: Readonly<Record<string, unknown>>]>([
    ['one kind, and nothing about layers', { rope_parameters: { full_attention: FULL } }],
    ['two kinds, of which the layers are one', { layer_types: ['full_attention', 'full_attention'], rope_parameters: { full_attention: FULL, sliding_attention: LOCAL } }],
    ['two kinds that say the same', { rope_parameters: { full_attention: FULL, sliding_attention: { type: 'default', rope_theta: 5e5 } } }],
    ['a kind without any, which no layer is', { layer_types: ['full_attention', 'full_attention'], rope_parameters: { full_attention: FULL, sliding_attention: null } }],
    ['theta beside the kinds', { rope_theta: 500_000, rope_parameters: { full_attention: { rope_type: 'default' } } }],
  ])('are read, not taken for theta 10000: %s', (_what, fields) => {
    expect(readWith('tied-fp32', fields)).toMatchObject({ ropeTheta: 500_000, ropeScaling: null });
  });

  it.each<[fields: Readonly<Record<string, unknown>>, message: string]>([
    [{ rope_parameters: { full_attention: FULL, sliding_attention: LOCAL } }, 'rope_parameters: sliding_attention: rope_theta: expected 500000, as rope_parameters: full_attention has it, got 10000'],
    [{ rope_parameters: { full_attention: FULL, sliding_attention: null } }, 'rope_parameters: sliding_attention: expected an object, got null'],
    [{ layer_types: ['full_attention', 'full_attention'], rope_parameters: { sliding_attention: FULL } }, 'rope_parameters: full_attention: expected an object, got nothing'],
    [{ rope_parameters: { full_attention: FULL, rope_theta: 500_000 } }, 'rope_parameters: rope_theta: expected nothing beside the kinds of layers, got 500000'],
  ])('are refused by the field that differs: %j', (fields, message) => {
    expect(refusal('tied-fp32', fields)).toBe(message);
  });
});

describe('two spellings of rotary embeddings', () => {
  it('agree where rope_scaling says no theta and rope_parameters does', () => {
    const { rope_type: _, ...values } = LLAMA3;
    expect(readWith('tied-fp32', { rope_scaling: LLAMA3, rope_parameters: { ...LLAMA3, rope_theta: 5e5 } })).toMatchObject(STRETCHED);
    expect(readWith('tied-fp32', { rope_scaling: { type: 'llama3', ...values }, rope_parameters: { ...LLAMA3, rope_theta: 5e5 } })).toMatchObject(STRETCHED);
  });

  it.each<[fields: Readonly<Record<string, unknown>>, message: string]>([
    [{ rope_theta: 1e4, rope_scaling: LLAMA3, rope_parameters: { ...LLAMA3, rope_theta: 5e5 } }, 'rope_parameters: rope_theta: expected 10000, as rope_scaling has it, got 500000'],
    [{ rope_scaling: { ...LLAMA3, factor: 8 }, rope_parameters: { ...LLAMA3, rope_theta: 5e5 } }, 'rope_parameters: factor: expected 8, as rope_scaling has it, got 32'],
    [{ rope_scaling: { rope_type: 'linear', factor: 8 }, rope_parameters: FULL }, 'rope_parameters: rope_type: expected "linear", as rope_scaling has it, got "default"'],
  ])('are refused by the field that differs: %j', (fields, message) => {
    expect(refusal('tied-fp32', fields)).toBe(message);
  });
});

describe('a field of config.json that changes what the model computes', () => {
  it.each<[field: string, value: unknown, message: string]>([
    ['rope_parameters', { rope_type: 'default', factor: 4 }, 'rope_parameters: factor: expected nothing beside rope_type "default", got 4'],
    ['rope_scaling', { rope_type: 'linear', factor: 4, attention_factor: 1.2 }, 'rope_scaling: attention_factor: expected nothing beside rope_type "linear", got 1.2'],
    ['rope_scaling', { rope_type: 'linear', type: 'dynamic', factor: 4 }, 'rope_scaling: type: expected the same as rope_type, got "dynamic"'],
    ['attention_dropout', 0.1, 'attention_dropout: expected 0 (not supported otherwise), got 0.1'],
    ['attn_logit_softcapping', 50, 'attn_logit_softcapping: expected nothing (not supported), got 50'],
    ['final_logit_softcapping', 30, 'final_logit_softcapping: expected nothing (not supported), got 30'],
    ['logit_scale', 0.0625, 'logit_scale: expected 1 (not supported otherwise), got 0.0625'],
    ['embedding_multiplier', 12, 'embedding_multiplier: expected 1 (not supported otherwise), got 12'],
    ['use_qk_norm', true, 'use_qk_norm: expected false (not supported otherwise), got true'],
    ['is_causal', false, 'is_causal: expected true (not supported otherwise), got false'],
    ['attention_chunk_size', 64, 'attention_chunk_size: expected nothing (not supported), got 64'],
    ['no_rope_layers', [1, 0], 'no_rope_layers: expected nothing (not supported), got [1,0]'],
    ['per_layer_config', { 1: { head_dim: 4 } }, 'per_layer_config: expected nothing (not supported), got {"1":{"head_dim":4}}'],
    ['rotary_pct', 0.25, 'rotary_pct: expected 1 (not supported otherwise), got 0.25'],
    ['sliding_window', 64, 'sliding_window: expected at least the 128 tokens of the context (attention within a window is not supported), got 64'],
    ['layer_types', ['full_attention', 'linear_attention'], 'layer_types: expected "full_attention" for each of 2 layers (no other attention is supported), got ["full_attention","linear_attention"]'],
    ['layer_types', ['full_attention'], 'layer_types: expected "full_attention" for each of 2 layers (no other attention is supported), got ["full_attention"]'],
    ['layer_types', ['full_attention', 'sliding_attention'], 'layer_types: expected "full_attention" for each of 2 layers (no other attention is supported), got ["full_attention","sliding_attention"]'],
  ])('is refused by name in a Llama: %s = %j', (field, value, message) => {
    expect(refusal('tied-fp32', { [field]: value })).toBe(message);
  });

  it('is refused where layer_types of Qwen2 names a kind that is not computed', () => {
    expect(refusal('qwen2-bf16', { layer_types: ['full_attention', 'chunked_attention'] })).toMatch(/^layer_types: expected "full_attention" for each of 2 layers/);
    expect(refusal('qwen2-bf16', { layer_types: ['full_attention', 'sliding_attention'], use_sliding_window: false })).toMatch(/^layer_types: expected/);
  });

  it.each<[name: string, fields: Readonly<Record<string, unknown>>]>([
    ['tied-fp32', { hidden_act: 'swish', attention_dropout: 0, logit_scale: 1, use_qk_norm: false, is_causal: true, attn_logit_softcapping: null, pretraining_tp: 2 }],
    ['tied-fp32', { sliding_window: 128, layer_types: ['sliding_attention', 'full_attention'] }],
    ['tied-fp32', { sliding_window: 64, layer_types: ['full_attention', 'full_attention'] }],
    ['tied-fp32', { rope_parameters: { rope_type: 'default', type: 'default', factor: null, partial_rotary_factor: 1 } }],
    ['qwen2-bf16', { sliding_window: 64, use_sliding_window: false, attention_bias: false }],
  ])('is read where it says what is computed anyway: %s %j', (name, fields) => {
    expect(() => readWith(name, fields)).not.toThrow();
  });
});

const REPORTS = join(SHARED_DATA, 'reports', '13-rope-parameters-v5');
const reported = existsSync(REPORTS) ? it : it.skip;
describe('configurations that were reported of other tools', () => {
  reported.each<[name: string, expected: unknown]>([
    ['saved-by-v5', STRETCHED],
    ['saved-by-v5-resaved-by-v4', STRETCHED],
    ['scaling-added-by-hand-to-v5', STRETCHED],
    ['per-layer-kinds', { ropeTheta: 500_000, ropeScaling: null }],
  ])('%s has theta 500000', (name, expected) => {
    expect(readModelConfig(join(REPORTS, name))).toMatchObject(expected as object);
  });
});
