import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../../campaign/errors';
import { readAdapter } from '../../../engine/files/adapter';
import { addUpdate, mergeAdapters } from '../../../engine/files/merge';
import { openModelDirectory } from '../../../engine/files/model-directory';
import { readTensorF32 } from '../../../engine/files/safetensors';
import { goldenAdapter, goldenModel } from '../../golden/golden-values';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();

function weights(model: string, name: string): Float32Array {
  const entry = openModelDirectory(model).tensors.get(name);
  if (entry === undefined) throw new Error(`no tensor ${name}`);
  return readTensorF32(entry);
}

describe('addUpdate', () => {
  it('adds scale * b a', () => {
    const weight = Float32Array.of(1, 2, 3, 4, 5, 6);
    // b [2, 2] a [2, 3] = [[1, 0, 2], [3, 4, 6]]
    addUpdate(weight, { a: Float32Array.of(1, 0, 2, 0, 2, 0), b: Float32Array.of(1, 0, 3, 2) }, 2, 0.5);
    expect([...weight]).toEqual([1.5, 2, 4, 5.5, 7, 9]);
  });
});

describe('mergeAdapters', () => {
  it('adds every adapter in order, in fp32, and leaves the rest of the model as it is', () => {
    const base = goldenModel('gqa-bf16');
    const config = openModelDirectory(base).config;
    const adapters = [goldenAdapter('gqa-qv-r6'), goldenAdapter('mixed-batch-3-linear-gqa-final')];
    const out = directory.path('new', 'merged');
    mergeAdapters(base, adapters, out);

    const expected = weights(base, 'model.layers.1.self_attn.v_proj.weight');
    for (const adapter of adapters) {
      const matrices = readAdapter(adapter, config).matrices.get('1.v_proj');
      if (matrices === undefined) throw new Error('no v_proj');
      addUpdate(expected, matrices, 6, 9 / 6);
    }
    expect(weights(out, 'model.layers.1.self_attn.v_proj.weight')).toEqual(expected);
    for (const name of ['model.layers.1.self_attn.k_proj.weight', 'model.embed_tokens.weight', 'lm_head.weight', 'model.norm.weight']) {
      expect(weights(out, name)).toEqual(weights(base, name));
    }
    const merged = openModelDirectory(out);
    expect(merged.storedDtype).toBe('F32');
    expect(merged.config).toEqual(config);
    expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))).toMatchObject({ dtype: 'float32', model_type: 'llama' });
    for (const name of ['tokenizer.json', 'tokenizer_config.json', 'generation_config.json']) {
      expect(readFileSync(join(out, name)).equals(readFileSync(join(base, name)))).toBe(true);
    }
  });

  it('gives the same files for one adapter after the other as for all at once', () => {
    const base = goldenModel('gqa-bf16');
    const adapters = [goldenAdapter('gqa-qv-r6'), goldenAdapter('mixed-batch-3-linear-gqa-final')] as const;
    const [atOnce, first, second] = [directory.path('at-once'), directory.path('first'), directory.path('second')];
    mergeAdapters(base, adapters, atOnce);
    mergeAdapters(base, [adapters[0]], first);
    mergeAdapters(first, [adapters[1]], second);
    expect(readdirSync(second)).toEqual(readdirSync(atOnce));
    for (const name of readdirSync(atOnce)) expect({ name, isSame: readFileSync(join(second, name)).equals(readFileSync(join(atOnce, name))) }).toEqual({ name, isSame: true });
  });

  it('gives the same bytes again, in place of the first', () => {
    const out = directory.path('merged');
    mergeAdapters(goldenModel('tied-fp32'), [goldenAdapter('tied-all-r4')], out);
    const first = readFileSync(join(out, 'model.safetensors'));
    mergeAdapters(goldenModel('tied-fp32'), [goldenAdapter('tied-all-r4')], out);
    expect(readFileSync(join(out, 'model.safetensors')).equals(first)).toBe(true);
    expect(readdirSync(directory.path())).toEqual(['merged']);
  });

  it('rounds to bfloat16 only once all is merged, and says so', () => {
    const base = goldenModel('tied-fp32');
    const adapters = [goldenAdapter('tied-all-r4'), goldenAdapter('tied-all-r4')];
    mergeAdapters(base, adapters, directory.path('full'));
    mergeAdapters(base, adapters, directory.path('rounded'), 'bfloat16');
    const name = 'model.layers.0.mlp.up_proj.weight';
    const full = weights(directory.path('full'), name);
    const rounded = weights(directory.path('rounded'), name);
    // Eight bits of significand: half a step is 2^-9 of the value.
    full.forEach((value, i) => expect(Math.abs(rounded[i]! - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -8));
    expect(rounded).not.toEqual(full);
    expect(openModelDirectory(directory.path('rounded')).storedDtype).toBe('BF16');
    expect(JSON.parse(readFileSync(join(directory.path('rounded'), 'config.json'), 'utf8'))).toMatchObject({ dtype: 'bfloat16' });
  });

  it('leaves nothing behind when an adapter does not fit', () => {
    expect(() => mergeAdapters(goldenModel('tied-fp32'), [goldenAdapter('gqa-qv-r6')], directory.path('merged'))).toThrow(BadInputError);
    expect(existsSync(directory.path('merged'))).toBe(false);
    expect(readdirSync(directory.path())).toEqual([]);
  });

  it('refuses to replace a folder that holds something else', () => {
    mkdirSync(directory.path('home'));
    writeFileSync(directory.path('home', 'thesis.txt'), 'years of work');
    expect(() => mergeAdapters(goldenModel('tied-fp32'), [], directory.path('home'))).toThrow(/home: expected a new folder, or one that holds a merged model, got a folder with thesis\.txt/);
    expect(readFileSync(directory.path('home', 'thesis.txt'), 'utf8')).toBe('years of work');
  });
});
