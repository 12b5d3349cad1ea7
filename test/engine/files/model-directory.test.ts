import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../../contracts/errors';
import { projectionShape, readModelConfig } from '../../../engine/files/model-config';
import { modelFiles, openModelDirectory } from '../../../engine/files/model-directory';
import { openSafetensors, readTensorF32, writeSafetensors, type TensorEntry } from '../../../engine/files/safetensors';
import { goldenModel } from '../../golden/golden-values';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();

/** A copy of a golden model to break. */
function copyOf(name: string): string {
  const copy = directory.path(name);
  cpSync(goldenModel(name), copy, { recursive: true });
  return copy;
}

function editJson(file: string, edit: (json: Record<string, unknown>) => void): void {
  const json = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  edit(json);
  writeFileSync(file, JSON.stringify(json));
}

/** Rewrites the weights of a model in fp32 with some of its tensors left out or replaced. */
function rewriteWeights(model: string, edit: (tensors: Map<string, { shape: readonly number[]; data: Float32Array }>) => void): void {
  const file = join(model, 'model.safetensors');
  const tensors = new Map([...openSafetensors(file).tensors].map(([name, entry]) => [name, { shape: entry.shape, data: readTensorF32(entry) }]));
  edit(tensors);
  writeSafetensors(file, [...tensors].map(([name, tensor]) => ({ name, dtype: 'F32', ...tensor })));
}

describe('readModelConfig', () => {
  it('reads what transformers 5 writes', () => {
    expect(readModelConfig(goldenModel('tied-fp32'))).toEqual({
      architecture: 'llama', vocabularySize: 160, width: 32, layers: 2, heads: 4, kvHeads: 4, headDim: 8, ffnWidth: 48,
      normEpsilon: 1e-6, ropeTheta: 10000, contextLength: 128, tied: true, bosTokenId: 1, eosTokenIds: [2],
    });
  });

  it('reads grouped queries, an explicit head size, a top-level rope_theta and EOS ids of both files', () => {
    const config = readModelConfig(goldenModel('gqa-bf16'));
    expect(config).toMatchObject({ width: 48, heads: 4, kvHeads: 2, headDim: 16, ropeTheta: 50000, normEpsilon: 1e-5, tied: false, eosTokenIds: [2, 40, 41] });
    expect(projectionShape(config, 'q_proj')).toEqual([64, 48]);
    expect(projectionShape(config, 'k_proj')).toEqual([32, 48]);
    expect(projectionShape(config, 'o_proj')).toEqual([48, 64]);
    expect(projectionShape(config, 'down_proj')).toEqual([48, 64]);
  });

  it.each<[field: string, value: unknown, message: RegExp]>([
    ['model_type', 'qwen2', /config\.json: model_type: expected "llama" .* got "qwen2"/],
    ['model_type', undefined, /model_type: .* got nothing/],
    ['architectures', ['LlamaForSequenceClassification'], /architectures: expected \["LlamaForCausalLM"\]/],
    ['rope_scaling', { rope_type: 'llama3', factor: 8 }, /rope_scaling: expected rope_type "default"/],
    ['rope_parameters', { rope_type: 'yarn', rope_theta: 1e4 }, /rope_parameters: expected rope_type "default"/],
    ['rope_parameters', { rope_theta: -1 }, /rope_theta: expected a positive number, got -1/],
    ['attention_bias', true, /attention_bias: expected false/],
    ['mlp_bias', true, /mlp_bias: expected false/],
    ['hidden_act', 'gelu', /hidden_act: expected "silu", got "gelu"/],
    ['quantization_config', { bits: 4 }, /quantization_config: expected nothing/],
    ['hidden_size', undefined, /hidden_size: expected a positive integer, got nothing/],
    ['hidden_size', '32', /hidden_size: expected a positive integer, got "32"/],
    ['num_hidden_layers', 0, /num_hidden_layers: expected a positive integer, got 0/],
    ['num_key_value_heads', 3, /num_key_value_heads: expected a divisor of num_attention_heads \(4\), got 3/],
    ['head_dim', 7, /head_dim: expected an even number, got 7/],
    ['tie_word_embeddings', 'yes', /tie_word_embeddings: expected true or false/],
    ['eos_token_id', [2, -1], /eos_token_id: expected a token id/],
    ['eos_token_id', 160, /expected ids below vocab_size \(160\), got 160/],
    ['rms_norm_eps', 0, /rms_norm_eps: expected a positive number, got 0/],
  ])('refuses %s = %j', (field, value, message) => {
    const model = copyOf('tied-fp32');
    editJson(join(model, 'config.json'), (json) => (json[field] = value));
    expect(() => readModelConfig(model)).toThrow(BadInputError);
    expect(() => readModelConfig(model)).toThrow(message);
  });

  it('refuses a config that is missing, malformed, no object or not UTF-8', () => {
    const model = copyOf('tied-fp32');
    const file = join(model, 'config.json');
    rmSync(file);
    expect(() => readModelConfig(model)).toThrow(/config\.json: expected a readable JSON file, got no such file/);
    writeFileSync(file, '{"model_type":');
    expect(() => readModelConfig(model)).toThrow(/config\.json: expected a JSON object in UTF-8, got malformed JSON/);
    writeFileSync(file, 'null');
    expect(() => readModelConfig(model)).toThrow(/config\.json: expected a JSON object, got null/);
    writeFileSync(file, Buffer.of(0x7b, 0xff, 0x7d));
    expect(() => readModelConfig(model)).toThrow(/got bytes that are not UTF-8/);
  });
});

describe('openModelDirectory', () => {
  it.each([
    ['tied-fp32', 'F32', 2 * 9 + 2],
    ['gqa-bf16', 'BF16', 3 * 9 + 3],
  ])('finds every tensor of %s', (name, dtype, count) => {
    const model = openModelDirectory(goldenModel(name));
    expect(model.storedDtype).toBe(dtype);
    expect(model.tensors.size).toBe(count);
  });

  it('reads a model whose weights stand in shards as it reads a whole one', () => {
    const model = copyOf('tied-fp32');
    const whole = openModelDirectory(goldenModel('tied-fp32')).tensors;
    const entries = [...whole.values()];
    const weightMap: Record<string, string> = {};
    for (const [shard, part] of [entries.slice(0, 7), entries.slice(7)].entries()) {
      const file = `model-0000${shard + 1}-of-00002.safetensors`;
      writeSafetensors(join(model, file), part.map((entry: TensorEntry) => ({ name: entry.name, dtype: 'F32', shape: entry.shape, data: readTensorF32(entry) })));
      for (const { name } of part) weightMap[name] = file;
    }
    rmSync(join(model, 'model.safetensors'));
    writeFileSync(join(model, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
    const sharded = openModelDirectory(model).tensors;
    expect(sharded.size).toBe(whole.size);
    for (const [name, entry] of sharded) expect(readTensorF32(entry)).toEqual(readTensorF32(whole.get(name) ?? entry));
    expect(modelFiles(model)).toEqual([
      'config.json', 'generation_config.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors',
      'model.safetensors.index.json', 'tokenizer.json', 'tokenizer_config.json',
    ]);
  });

  it('refuses an index that leads out of the folder', () => {
    const model = copyOf('tied-fp32');
    renameSync(join(model, 'model.safetensors'), directory.path('outside.safetensors'));
    writeFileSync(join(model, 'model.safetensors.index.json'), JSON.stringify({ weight_map: { w: '../outside.safetensors' } }));
    expect(() => openModelDirectory(model)).toThrow(/weight_map\.w: expected a \.safetensors file of the same folder/);
  });

  it('refuses missing and truncated weights', () => {
    const model = copyOf('tied-fp32');
    truncateSync(join(model, 'model.safetensors'), 50_000);
    expect(() => openModelDirectory(model)).toThrow(/model\.safetensors: tensor .*: data_offsets: .*truncated/);
    rmSync(join(model, 'model.safetensors'));
    expect(() => openModelDirectory(model)).toThrow(/model\.safetensors: expected the model's weights, got no such file/);
    expect(() => openModelDirectory(directory.path('nowhere'))).toThrow(/nowhere.config\.json: .* no such file/);
  });

  it('refuses a missing tensor, a wrong shape and one too many', () => {
    const model = copyOf('tied-fp32');
    const query = 'model.layers.1.self_attn.q_proj.weight';
    rewriteWeights(model, (tensors) => tensors.delete(query));
    expect(() => openModelDirectory(model)).toThrow(`model.safetensors: expected tensor ${query}, got no such tensor`);
    rewriteWeights(model, (tensors) => tensors.set(query, { shape: [16, 64], data: new Float32Array(1024) }));
    expect(() => openModelDirectory(model)).toThrow(`tensor ${query}: shape: expected [32, 32] by config.json, got [16, 64]`);
    rewriteWeights(model, (tensors) => {
      tensors.set(query, { shape: [32, 32], data: new Float32Array(1024) });
      tensors.set('model.layers.1.self_attn.q_proj.bias', { shape: [32], data: new Float32Array(32) });
    });
    expect(() => openModelDirectory(model)).toThrow('tensor model.layers.1.self_attn.q_proj.bias: expected only tensors that config.json implies');
  });

  it('refuses weights in a type that it cannot compute with', () => {
    const model = copyOf('tied-fp32');
    const file = join(model, 'model.safetensors');
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.from(bytes.toString('latin1').replaceAll('"dtype":"F32"', '"dtype":"I32"'), 'latin1'));
    expect(() => openModelDirectory(model)).toThrow(/tensor model\.embed_tokens\.weight: dtype: expected F32, F16, BF16, got I32/);
  });

  it('needs an output head where the embeddings are not tied, and ignores one where they are', () => {
    const untied = copyOf('tied-fp32');
    editJson(join(untied, 'config.json'), (json) => (json['tie_word_embeddings'] = false));
    expect(() => openModelDirectory(untied)).toThrow(/expected tensor lm_head\.weight/);
    rewriteWeights(untied, (tensors) => tensors.set('lm_head.weight', { shape: [160, 32], data: new Float32Array(160 * 32) }));
    expect(openModelDirectory(untied).tensors.has('lm_head.weight')).toBe(true);
    editJson(join(untied, 'config.json'), (json) => (json['tie_word_embeddings'] = true));
    expect(openModelDirectory(untied).tensors.has('lm_head.weight')).toBe(false);
  });
});

describe('modelFiles', () => {
  it('names the files that pin a model, and no others', () => {
    const model = copyOf('gqa-bf16');
    writeFileSync(join(model, 'README.md'), 'notes');
    mkdirSync(join(model, 'runs'));
    expect(modelFiles(model)).toEqual(['config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']);
  });
});
