import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../../campaign/errors';
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
      architecture: 'llama', vocabularySize: 160, width: 32, layers: 2, heads: 4, kvHeads: 4, headDim: 8, ffnWidth: 48, biases: [],
      normEpsilon: 1e-6, ropeTheta: 10000, ropeScaling: null, contextLength: 128, tied: true, bosTokenId: 1, eosTokenIds: [2],
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

  it('reads Qwen2: biases on queries, keys and values, more embeddings than tokens, EOS of both files', () => {
    expect(readModelConfig(goldenModel('qwen2-bf16'))).toMatchObject({
      architecture: 'qwen2', vocabularySize: 320, kvHeads: 2, biases: ['q_proj', 'k_proj', 'v_proj'], ropeTheta: 1e6, ropeScaling: null, tied: true, eosTokenIds: [302, 300],
    });
  });

  it('takes what Qwen2 leaves unsaid from Qwen2, not from Llama', () => {
    const model = copyOf('qwen2-bf16');
    editJson(join(model, 'config.json'), (json) => {
      Object.assign(json, { num_attention_heads: 64, head_dim: 8 });
      delete json['num_key_value_heads'];
      delete json['max_position_embeddings'];
    });
    expect(readModelConfig(model)).toMatchObject({ kvHeads: 32, contextLength: 32768 });
    editJson(join(model, 'config.json'), (json) => (json['num_key_value_heads'] = null));
    expect(readModelConfig(model).kvHeads).toBe(64);
  });

  it('reads biases of Llama', () => {
    const model = copyOf('llama-biases-fp32');
    const biasesWith = (fields: Record<string, unknown>): readonly string[] => {
      editJson(join(model, 'config.json'), (json) => Object.assign(json, fields));
      return readModelConfig(model).biases;
    };
    expect(biasesWith({})).toEqual(['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj']);
    expect(biasesWith({ mlp_bias: false })).toEqual(['q_proj', 'k_proj', 'v_proj', 'o_proj']);
    expect(biasesWith({ attention_bias: false, mlp_bias: true })).toEqual(['gate_proj', 'up_proj', 'down_proj']);
  });

  const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
  const scaling = { type: 'llama3', factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 8192 };

  it.each<[fields: Record<string, unknown>, ropeTheta: number, ropeScaling: unknown]>([
    [{ rope_scaling: { rope_type: 'llama3', ...llama3 }, rope_theta: 5e5 }, 5e5, scaling],
    [{ rope_scaling: { type: 'llama3', ...llama3 }, rope_theta: 5e5 }, 5e5, scaling],
    [{ rope_parameters: { rope_type: 'llama3', ...llama3, rope_theta: 5e5 } }, 5e5, scaling],
    [{ rope_parameters: { type: 'llama3', ...llama3 }, rope_theta: 7 }, 7, scaling],
    [{ rope_scaling: { type: 'llama3', ...llama3, rope_theta: 5e5 }, rope_parameters: { rope_type: 'llama3', ...llama3, rope_theta: 5e5 } }, 5e5, scaling],
    [{ rope_scaling: { type: 'linear', factor: 2.5 } }, 1e4, { type: 'linear', factor: 2.5 }],
    [{ rope_scaling: null, rope_theta: 3e4 }, 3e4, null],
    [{ rope_scaling: null, rope_parameters: { rope_theta: 3e4 } }, 3e4, null],
    [{}, 1e4, null],
  ])('reads rotary embeddings from %j', (fields, ropeTheta, ropeScaling) => {
    const model = copyOf('tied-fp32');
    editJson(join(model, 'config.json'), (json) => {
      delete json['rope_parameters'];
      Object.assign(json, fields);
    });
    expect(readModelConfig(model)).toMatchObject({ ropeTheta, ropeScaling });
  });

  it.each<[field: string, value: unknown, message: RegExp]>([
    ['rope_scaling', { rope_type: 'yarn', factor: 4 }, /rope_scaling: rope_type: expected "default", "linear" or "llama3" .* got "yarn"/],
    ['rope_scaling', { type: 'dynamic', factor: 4 }, /got "dynamic"/],
    ['rope_scaling', 'llama3', /rope_scaling: expected an object or null, got "llama3"/],
    ['rope_scaling', { rope_type: 'llama3', ...llama3, factor: 0.5 }, /rope_scaling: factor: expected a number of at least 1, got 0.5/],
    ['rope_scaling', { rope_type: 'llama3', ...llama3, low_freq_factor: undefined }, /rope_scaling: low_freq_factor: expected a positive number, got nothing/],
    ['rope_scaling', { rope_type: 'llama3', ...llama3, high_freq_factor: 1 }, /high_freq_factor: expected a number above low_freq_factor \(1\), got 1/],
    ['rope_scaling', { rope_type: 'llama3', ...llama3, original_max_position_embeddings: 0.5 }, /original_max_position_embeddings: expected a positive integer, got 0.5/],
    ['rope_scaling', { rope_type: 'linear', factor: '2' }, /rope_scaling: factor: expected a number of at least 1, got "2"/],
    ['rope_scaling', { rope_type: 'linear', factor: 2 }, /rope_parameters: rope_type: expected "linear", as rope_scaling has it, got "default"/],
    ['rope_parameters', { partial_rotary_factor: 0.5 }, /rope_parameters: partial_rotary_factor: expected 1, got 0.5/],
  ])('refuses %s = %j', (field, value, message) => {
    const model = copyOf('tied-fp32');
    // Written as transformers 5 does, the file has rope_parameters already: only the last case but one may meet them.
    editJson(join(model, 'config.json'), (json) => {
      if (!String(message).includes('as rope_scaling has it')) delete json['rope_parameters'];
      json[field] = value;
    });
    expect(() => readModelConfig(model)).toThrow(message);
  });

  it('takes a sliding window of Qwen2 that no position notices, and refuses one that cuts', () => {
    const model = copyOf('qwen2-bf16');
    const withFields = (fields: Record<string, unknown>): (() => unknown) => {
      editJson(join(model, 'config.json'), (json) => {
        delete json['layer_types'];
        Object.assign(json, fields);
      });
      return () => readModelConfig(model);
    };
    const cuts = { use_sliding_window: true, sliding_window: 64, max_window_layers: 1 };
    expect(withFields({ ...cuts, use_sliding_window: false })).not.toThrow();
    expect(withFields({ ...cuts, sliding_window: 512 })).not.toThrow();
    expect(withFields({ ...cuts, sliding_window: null })).not.toThrow();
    expect(withFields({ ...cuts, max_window_layers: 2 })).not.toThrow();
    expect(withFields({ ...cuts, layer_types: ['full_attention', 'full_attention'] })).not.toThrow();
    expect(withFields(cuts)).toThrow(/sliding_window: expected at least the 512 tokens of the context \(attention within a window is not supported\), got 64/);
    expect(withFields({ ...cuts, max_window_layers: 2, layer_types: ['full_attention', 'sliding_attention'] })).toThrow(/layer_types: expected "full_attention" for each of 2 layers/);
  });

  it.each<[field: string, value: unknown, message: RegExp]>([
    ['model_type', 'mistral', /config\.json: model_type: expected "llama" or "qwen2" .* got "mistral"/],
    ['model_type', 'qwen2', /architectures: expected \["Qwen2ForCausalLM"\], got \["LlamaForCausalLM"\]/],
    ['model_type', undefined, /model_type: .* got nothing/],
    ['architectures', ['LlamaForSequenceClassification'], /architectures: expected \["LlamaForCausalLM"\]/],
    ['rope_parameters', { rope_theta: -1 }, /rope_theta: expected a positive number, got -1/],
    ['attention_bias', 'yes', /attention_bias: expected true or false/],
    ['hidden_act', 'gelu', /hidden_act: expected "silu" .* got "gelu"/],
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
    ['llama3-sharded-fp16', 'F16', 2 * 9 + 3],
    ['qwen2-bf16', 'BF16', 2 * 12 + 2],
    ['llama-biases-fp32', 'F32', 2 * 16 + 2],
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

  it('takes a stored head of tied embeddings that equals them, and refuses another one: versions of transformers differ in which they use', () => {
    const model = copyOf('tied-fp32');
    const withHead = (edit: (values: Float32Array) => void): (() => unknown) => {
      rewriteWeights(model, (tensors) => {
        const embeddings = tensors.get('model.embed_tokens.weight');
        if (embeddings === undefined) throw new Error('a model without embeddings');
        const data = embeddings.data.slice();
        edit(data);
        tensors.set('lm_head.weight', { shape: embeddings.shape, data });
      });
      return () => openModelDirectory(model);
    };
    expect(withHead(() => undefined)).not.toThrow();
    expect(withHead((values) => (values[77] = 0))).toThrow(/tensor lm_head\.weight: expected the values of model\.embed_tokens\.weight, since tie_word_embeddings of config\.json is true, got others/);
  });

  it('refuses weights in a type that it cannot compute with', () => {
    const model = copyOf('tied-fp32');
    const file = join(model, 'model.safetensors');
    const bytes = readFileSync(file);
    writeFileSync(file, Buffer.from(bytes.toString('latin1').replaceAll('"dtype":"F32"', '"dtype":"I32"'), 'latin1'));
    expect(() => openModelDirectory(model)).toThrow(/tensor model\.embed_tokens\.weight: dtype: expected F32, F16, BF16, got I32/);
  });

  it('needs an output head where the embeddings are not tied, and leaves out an equal one where they are', () => {
    const untied = copyOf('tied-fp32');
    editJson(join(untied, 'config.json'), (json) => (json['tie_word_embeddings'] = false));
    expect(() => openModelDirectory(untied)).toThrow(/expected tensor lm_head\.weight/);
    rewriteWeights(untied, (tensors) => tensors.set('lm_head.weight', { shape: [160, 32], data: new Float32Array(160 * 32) }));
    expect(openModelDirectory(untied).tensors.has('lm_head.weight')).toBe(true);
    editJson(join(untied, 'config.json'), (json) => (json['tie_word_embeddings'] = true));
    rewriteWeights(untied, (tensors) => {
      const embeddings = tensors.get('model.embed_tokens.weight');
      if (embeddings !== undefined) tensors.set('lm_head.weight', embeddings);
    });
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
