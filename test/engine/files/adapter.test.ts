import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../../campaign/errors';
import { PROJECTIONS, type Projection } from '../../../campaign/language-model';
import { adapterKey, readAdapter, writeAdapter, type Adapter } from '../../../engine/files/adapter';
import { projectionShape, readModelConfig } from '../../../engine/files/model-config';
import { openModelDirectory } from '../../../engine/files/model-directory';
import { openSafetensors, readTensorF32, writeSafetensors } from '../../../engine/files/safetensors';
import { SHARED_DATA, goldenAdapter, goldenModel } from '../../golden/golden-values';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();
const tied = readModelConfig(goldenModel('tied-fp32'));
const gqa = readModelConfig(goldenModel('gqa-bf16'));
const QUERY_A = 'base_model.model.model.layers.1.self_attn.q_proj.lora_A.weight';

function copyOf(name: string): string {
  const copy = directory.path(name);
  cpSync(goldenAdapter(name), copy, { recursive: true });
  return copy;
}

function editConfig(adapter: string, fields: Record<string, unknown>): void {
  const file = join(adapter, 'adapter_config.json');
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, 'utf8')) as object), ...fields }));
}

function rewriteWeights(adapter: string, edit: (tensors: Map<string, { shape: readonly number[]; data: Float32Array }>) => void): void {
  const file = join(adapter, 'adapter_model.safetensors');
  const tensors = new Map([...openSafetensors(file).tensors].map(([name, entry]) => [name, { shape: entry.shape, data: readTensorF32(entry) }]));
  edit(tensors);
  writeSafetensors(file, [...tensors].map(([name, tensor]) => ({ name, dtype: 'F32', ...tensor })));
}

/** Distinct numbers everywhere, so that a swap cannot go unseen. */
function numberedAdapter(targets: readonly Projection[], rank: number): Adapter {
  let next = 0;
  const numbers = (length: number): Float32Array => Float32Array.from({ length }, () => (next += 0.25));
  const matrices: Adapter['matrices'] = new Map();
  for (let layer = 0; layer < gqa.layers; layer += 1) {
    for (const projection of targets) {
      const [outWidth, inWidth] = projectionShape(gqa, projection);
      matrices.set(adapterKey(layer, projection), { a: numbers(rank * inWidth), b: numbers(outWidth * rank) });
    }
  }
  return { rank, alpha: 12, targets, matrices };
}

describe('readAdapter', () => {
  it('reads what PEFT writes', () => {
    const adapter = readAdapter(goldenAdapter('tied-all-r4'), tied);
    expect(adapter).toMatchObject({ rank: 4, alpha: 8 });
    expect([...adapter.targets].sort()).toEqual([...PROJECTIONS].sort());
    expect(adapter.matrices.size).toBe(14);
    expect(adapter.matrices.get('1.down_proj')?.a).toHaveLength(4 * 48);
    expect(adapter.matrices.get('1.down_proj')?.b).toHaveLength(32 * 4);
    expect(readAdapter(goldenAdapter('gqa-qv-r6'), gqa)).toMatchObject({ rank: 6, alpha: 9, targets: ['q_proj', 'v_proj'] });
  });

  it.each<[field: string, value: unknown, message: RegExp]>([
    ['peft_type', 'IA3', /adapter_config\.json: peft_type: expected "LORA", got "IA3"/],
    ['use_dora', true, /use_dora: expected false \(DoRA is not supported\), got true/],
    ['use_qalora', true, /use_qalora: expected false/],
    ['use_something_new', true, /use_something_new: expected null or empty \(not supported otherwise\), got true/],
    ['use_bdlora', { nblocks: 2 }, /use_bdlora: expected null or empty/],
    ['velora_config', { num_groups: 4 }, /velora_config: expected null or empty .*got \{"num_groups":4\}/],
    ['arrow_config', { top_k: 3 }, /arrow_config: expected null or empty/],
    ['init_lora_weights', 'lucky', /init_lora_weights: expected true, false, "gaussian", "eva", "orthogonal" or "mica", got "lucky"/],
    ['init_lora_weights', 1, /init_lora_weights: expected true, false, .* got 1/],
    ['trainable_token_indices', [1, 2], /trainable_token_indices: expected null or empty .*got \[1,2\]/],
    ['target_parameters', ['mlp.experts'], /target_parameters: expected null or empty/],
    ['layer_replication', [[0, 2]], /layer_replication: expected null or empty/],
    ['alora_invocation_tokens', [1], /alora_invocation_tokens: expected null or empty/],
    ['lora_bias', true, /lora_bias: expected false/],
    ['bias', 'all', /bias: expected "none" \(trained biases are not supported\), got "all"/],
    ['fan_in_fan_out', true, /fan_in_fan_out: expected false/],
    ['modules_to_save', ['lm_head'], /modules_to_save: expected null or empty .* got \["lm_head"\]/],
    ['rank_pattern', { q_proj: 2 }, /tensor .*layers\.0\.self_attn\.q_proj\.lora_A\.weight: shape: expected \[2, 32\] for this model and rank, got \[4, 32\]/],
    ['rank_pattern', { q_proj: 1.5 }, /rank_pattern: expected an object of positive integers, got \{"q_proj":1.5\}/],
    ['rank_pattern', { '(q_proj': 2 }, /rank_pattern: expected regular expressions of module names, got "\(q_proj", which cannot be read as one/],
    ['rank_pattern', { '(.*.*.*.*.*.*.*.*)*!': 2 }, /rank_pattern: expected regular expressions .*still matching after 1 s/],
    ['alpha_pattern', { q_proj: -1 }, /alpha_pattern: expected an object of positive numbers/],
    ['lora_dropout', 1, /lora_dropout: expected a number of at least 0 and below 1, got 1/],
    ['use_rslora', 'yes', /use_rslora: expected true or false, got "yes"/],
    ['layers_to_transform', [0], /tensor .*layers\.1\..*: expected LoRA factors of the 7 modules that adapter_config\.json adapts in 2 layers, got another tensor/],
    ['layers_to_transform', 'first', /layers_to_transform: expected the number of a layer, or a list of them/],
    ['layers_pattern', 'layers', /layers_to_transform: expected the number of a layer/],
    ['exclude_modules', 5, /exclude_modules: expected a list of names, or one text, got 5/],
    ['target_modules', ['q_proj', 'lm_head'], /target_modules: expected projections of the layers \(adapters of lm_head are not supported\)/],
    ['target_modules', '.*embed.*|.*q_proj', /target_modules: .*adapters of model\.embed_tokens are not supported/],
    ['target_modules', 'q_proj', /target_modules: expected modules of the model, such as q_proj or model\.layers\.0\.self_attn\.q_proj, got "q_proj", which is none of them/],
    ['target_modules', [], /target_modules: expected modules of the model/],
    ['target_modules', null, /tensor .*down_proj\.lora_A\.weight: expected LoRA factors of the 4 modules/],
    ['r', 4.5, /r: expected a positive integer, got 4.5/],
    ['r', 0, /r: expected a positive integer, got 0/],
    ['r', 8, /tensor .*q_proj\.lora_A\.weight: shape: expected \[8, 32\] for this model and rank, got \[4, 32\]/],
    ['lora_alpha', undefined, /lora_alpha: expected a positive number, got nothing/],
    ['target_modules', ['q_proj', 'v_proj'], /tensor .*: expected LoRA factors of the 4 modules that adapter_config\.json adapts in 2 layers, got another tensor/],
  ])('refuses %s = %j', (field, value, message) => {
    const adapter = copyOf('tied-all-r4');
    editConfig(adapter, { [field]: value });
    expect(() => readAdapter(adapter, tied)).toThrow(BadInputError);
    expect(() => readAdapter(adapter, tied)).toThrow(message);
  });

  it.each([true, false, null, 'gaussian', 'eva', 'orthogonal', 'mica'])('reads init_lora_weights %j, which is plain LoRA once trained', (start) => {
    const adapter = copyOf('tied-all-r4');
    editConfig(adapter, { init_lora_weights: start, eva_config: { rho: 2, tau: 0.99 } });
    expect(readAdapter(adapter, tied).matrices).toEqual(readAdapter(goldenAdapter('tied-all-r4'), tied).matrices);
  });

  it.each(['pissa', 'pissa_niter_16', 'olora', 'corda', 'lora_ga'])('refuses init_lora_weights %j because it takes its start out of the base', (start) => {
    const adapter = copyOf('tied-all-r4');
    editConfig(adapter, { init_lora_weights: start });
    expect(() => readAdapter(adapter, tied)).toThrow(/init_lora_weights: expected .*: this one fits a base without what the adapter began with.*path_initial_model_for_weight_conversion.*got "/);
  });

  it('refuses an adapter of a base that LoftQ quantised, for that reason', () => {
    const adapter = copyOf('tied-all-r4');
    editConfig(adapter, { init_lora_weights: 'loftq', loftq_config: { loftq_bits: 4 } });
    expect(() => readAdapter(adapter, tied)).toThrow(/init_lora_weights: expected .*: this one fits a quantised base.*got "loftq"/);
  });

  it('reads what PEFT has converted to plain LoRA, with the settings of its start left in it', () => {
    const adapter = copyOf('tied-all-r4');
    editConfig(adapter, { init_lora_weights: true, corda_config: { corda_method: 'ipm' }, lora_ga_config: { direction: 'ArB2r' }, loftq_config: { loftq_bits: 4 } });
    expect(readAdapter(adapter, tied).matrices.size).toBe(14);
  });

  it.each(['all-linear', 'ALL-LINEAR', '.*_proj', ['model.layers.0.self_attn.q_proj', 'model.layers.1.self_attn.q_proj', ...PROJECTIONS]])('takes target_modules %j', (targets) => {
    const adapter = copyOf('tied-all-r4');
    editConfig(adapter, { target_modules: targets });
    expect(readAdapter(adapter, tied).matrices.size).toBe(14);
  });

  it('refuses an adapter of another model', () => {
    expect(() => readAdapter(goldenAdapter('tied-all-r4'), gqa)).toThrow(/layers\.0\.self_attn\.q_proj\.lora_A\.weight: shape: expected \[4, 48\] for this model and rank, got \[4, 32\]/);
    expect(() => readAdapter(goldenAdapter('tied-all-r4'), { ...tied, layers: 3 })).toThrow(/expected tensor base_model\.model\.model\.layers\.2\.self_attn\.q_proj\.lora_A\.weight, got no such tensor/);
    expect(() => readAdapter(goldenAdapter('tied-all-r4'), { ...tied, layers: 1 })).toThrow(/tensor base_model\.model\.model\.layers\.1\..*: expected LoRA factors of the 7 modules .* in 1 layers/);
  });

  it('refuses missing, unexpected and no LoRA tensors', () => {
    const adapter = copyOf('tied-all-r4');
    rewriteWeights(adapter, (tensors) => tensors.delete(QUERY_A));
    expect(() => readAdapter(adapter, tied)).toThrow(`expected tensor ${QUERY_A}, got no such tensor`);
    rewriteWeights(adapter, (tensors) => {
      tensors.set(QUERY_A, { shape: [4, 32], data: new Float32Array(128) });
      tensors.set('base_model.model.lm_head.weight', { shape: [1], data: new Float32Array(1) });
    });
    expect(() => readAdapter(adapter, tied)).toThrow(/tensor base_model\.model\.lm_head\.weight: expected LoRA factors/);
    rewriteWeights(adapter, (tensors) => tensors.clear());
    expect(() => readAdapter(adapter, tied)).toThrow(/adapter_model\.safetensors: expected tensor .*layers\.0\.self_attn\.q_proj\.lora_A\.weight, got no such tensor/);
  });

  describe("a copy of the base's tensor beside the factors", () => {
    const base = openModelDirectory(goldenModel('tied-fp32')).tensors;
    const embeddings = base.get('model.embed_tokens.weight');
    if (embeddings === undefined) throw new Error('a model without embeddings');
    const tensor = (edit: (values: Float32Array) => void): { shape: readonly number[]; data: Float32Array } => {
      const data = readTensorF32(embeddings);
      edit(data);
      return { shape: embeddings.shape, data };
    };
    const adapterWith = (name: string, edit: (values: Float32Array) => void = () => undefined): string => {
      const adapter = copyOf('tied-all-r4');
      rewriteWeights(adapter, (tensors) => tensors.set(name, tensor(edit)));
      return adapter;
    };

    it.each(['base_model.model.model.embed_tokens.weight', 'base_model.model.lm_head.weight'])('is read where it is equal, the head of tied embeddings included: %s', (name) => {
      expect(readAdapter(adapterWith(name), tied, base).matrices.size).toBe(14);
    });

    it.each(['base_model.model.model.embed_tokens.weight', 'base_model.model.lm_head.weight'])('is refused as trained embeddings where one value differs: %s', (name) => {
      const adapter = adapterWith(name, (values) => (values[values.length - 1]! += 1e-6));
      expect(() => readAdapter(adapter, tied, base)).toThrow(`tensor ${name}: expected the base's own values (trained embeddings are not supported), got others`);
    });

    it('is refused where the vocabulary was resized', () => {
      const adapter = copyOf('tied-all-r4');
      rewriteWeights(adapter, (tensors) => tensors.set('base_model.model.lm_head.weight', { shape: [161, 32], data: new Float32Array(161 * 32) }));
      expect(() => readAdapter(adapter, tied, base)).toThrow("expected the base's own values, [160, 32] (trained embeddings are not supported), got another shape, [161, 32]");
    });

    it('is read in another type that holds the same values, and refused with both types named where rounding changed them', () => {
      const adapter = copyOf('gqa-qv-r6');
      const halves = openModelDirectory(goldenModel('gqa-bf16')).tensors;
      const head = halves.get('lm_head.weight');
      if (head === undefined) throw new Error('a model without a head');
      expect(head.dtype).toBe('BF16');
      const widened = { shape: head.shape, data: readTensorF32(head) };
      rewriteWeights(adapter, (tensors) => tensors.set('base_model.model.lm_head.weight', widened));
      expect(readAdapter(adapter, gqa, halves).rank).toBe(6);

      const rounded = copyOf('tied-all-r4');
      const file = join(rounded, 'adapter_model.safetensors');
      const factors = [...openSafetensors(file).tensors].map(([name, entry]) => ({ name, dtype: 'F32' as const, shape: entry.shape, data: readTensorF32(entry) }));
      writeSafetensors(file, [...factors, { name: 'base_model.model.lm_head.weight', dtype: 'BF16', ...tensor(() => undefined) }]);
      expect(() => readAdapter(rounded, tied, base)).toThrow('got others (BF16, the base F32)');
    });

    it('is refused where nobody says what the base has', () => {
      expect(() => readAdapter(adapterWith('base_model.model.lm_head.weight'), tied)).toThrow(/tensor base_model\.model\.lm_head\.weight: expected LoRA factors/);
    });

    const REPORT = join(SHARED_DATA, 'reports', '17-adapter-with-base-embedding');
    (existsSync(REPORT) ? it : it.skip)('is read in an adapter that was reported of other tools', () => {
      const { config, tensors } = openModelDirectory(join(REPORT, 'model'));
      expect(readAdapter(join(REPORT, 'adapter'), config, tensors)).toEqual(readAdapter(join(REPORT, 'adapter-without'), config, tensors));
    });
  });

  it('refuses missing and truncated files', () => {
    const adapter = copyOf('tied-all-r4');
    truncateSync(join(adapter, 'adapter_model.safetensors'), 5000);
    expect(() => readAdapter(adapter, tied)).toThrow(/adapter_model\.safetensors: tensor .*truncated/);
    rmSync(join(adapter, 'adapter_model.safetensors'));
    expect(() => readAdapter(adapter, tied)).toThrow(/adapter_model\.safetensors: expected a readable safetensors file, got no such file/);
    expect(() => readAdapter(directory.path('nowhere'), tied)).toThrow(/adapter_config\.json: expected a readable JSON file, got no such file/);
  });
});

describe('writeAdapter', () => {
  it('writes the bytes that PEFT writes', () => {
    for (const [name, config] of [['tied-all-r4', tied], ['gqa-qv-r6', gqa]] as const) {
      writeAdapter(directory.path(name), readAdapter(goldenAdapter(name), config), config, { baseModel: 'random-llama' });
      const ours = readFileSync(directory.path(name, 'adapter_model.safetensors'));
      expect(ours.equals(readFileSync(join(goldenAdapter(name), 'adapter_model.safetensors')))).toBe(true);
    }
  });

  it.each<[Projection[], number]>([[['q_proj'], 1], [['v_proj', 'gate_proj'], 3], [['o_proj', 'down_proj', 'up_proj', 'k_proj'], 5], [[...PROJECTIONS], 2]])('is read back as it was: %j, rank %d', (targets, rank) => {
    const adapter = numberedAdapter(targets, rank);
    writeAdapter(directory.path('adapter'), adapter, gqa, { baseModel: 'base' });
    const read = readAdapter(directory.path('adapter'), gqa);
    expect(read).toMatchObject({ rank, alpha: 12, targets: PROJECTIONS.filter((projection) => targets.includes(projection)) });
    expect([...read.matrices.keys()].sort()).toEqual([...adapter.matrices.keys()].sort());
    for (const [key, { a, b }] of read.matrices) {
      expect(a).toEqual(adapter.matrices.get(key)?.a);
      expect(b).toEqual(adapter.matrices.get(key)?.b);
    }
  });

  it('writes the same bytes every time, with no path of this machine in them', () => {
    const adapter = numberedAdapter(['q_proj', 'v_proj'], 2);
    writeAdapter(directory.path('one'), adapter, gqa, { baseModel: '/somewhere/models/nano' });
    writeAdapter(directory.path('two'), { ...adapter, targets: ['v_proj', 'q_proj'] }, gqa, { baseModel: '/elsewhere/nano' });
    for (const file of ['adapter_config.json', 'adapter_model.safetensors']) {
      expect(readFileSync(directory.path('one', file)).equals(readFileSync(directory.path('two', file)))).toBe(true);
    }
    expect(readFileSync(directory.path('one', 'adapter_config.json'), 'utf8')).not.toMatch(/somewhere|models/);
    expect(openSafetensors(directory.path('one', 'adapter_model.safetensors')).metadata).toEqual({ format: 'pt' });
  });

  it('refuses to write an adapter that does not fit', () => {
    const adapter = numberedAdapter(['q_proj'], 2);
    adapter.matrices.delete('2.q_proj');
    expect(() => writeAdapter(directory.path('adapter'), adapter, gqa, { baseModel: 'base' })).toThrow(/no matrices 2\.q_proj/);
    expect(() => writeAdapter(directory.path('adapter'), numberedAdapter(['q_proj'], 2), tied, { baseModel: 'base' })).toThrow(/expected 64 elements for \[2, 32\], got 96/);
  });
});
