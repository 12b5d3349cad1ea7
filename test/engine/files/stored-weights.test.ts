import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { BadInputError } from '../../../campaign/errors';
import { openModelDirectory } from '../../../engine/files/model-directory';
import { writeSafetensors } from '../../../engine/files/safetensors';
import { openStoredWeights, weightFileNames } from '../../../engine/files/stored-weights';
import { goldenModel } from '../../golden/golden-values';
import { useTemporaryDirectory } from './temporary-directory';

const directory = useTemporaryDirectory();
const INDEX = 'model.safetensors.index.json';

function shard(name: string, ...tensors: string[]): void {
  const data = Float32Array.of(1);
  writeSafetensors(directory.path(name), tensors.map((tensor) => ({ name: tensor, dtype: 'F32', shape: [1], data })));
}

function index(content: unknown): void {
  writeFileSync(directory.path(INDEX), typeof content === 'string' ? content : JSON.stringify(content));
}

describe('openStoredWeights', () => {
  beforeEach(() => {
    shard('one.safetensors', 'a', 'b');
    shard('two.safetensors', 'c');
  });

  it('gathers the tensors of every shard', () => {
    index({ metadata: { total_size: 12 }, weight_map: { a: 'one.safetensors', b: 'one.safetensors', c: 'two.safetensors' } });
    expect([...openStoredWeights(directory.path()).tensors.keys()].sort()).toEqual(['a', 'b', 'c']);
    expect(weightFileNames(directory.path())).toEqual([INDEX, 'one.safetensors', 'two.safetensors']);
  });

  it.each<[what: string, index: unknown, message: string | RegExp]>([
    ['no object', [], `${INDEX}: expected a JSON object, got []`],
    ['no map', {}, `${INDEX}: weight_map: expected an object: tensor name to file name, got nothing`],
    ['a list for a map', { weight_map: ['a'] }, 'weight_map: expected an object: tensor name to file name, got ["a"]'],
    ['a number for a shard', { weight_map: { a: 1 } }, 'weight_map.a: expected a .safetensors file of the same folder, got 1'],
    ['a shard that is not there', { weight_map: { a: 'one.safetensors', z: 'three.safetensors' } }, /three\.safetensors: expected a readable safetensors file, got no such file/],
    ['a tensor that its shard lacks', { weight_map: { a: 'one.safetensors', z: 'two.safetensors' } }, `two.safetensors: expected tensor z, which ${INDEX} says it has, got no such tensor`],
    ['a tensor in another shard', { weight_map: { a: 'two.safetensors', c: 'two.safetensors', b: 'one.safetensors' } }, 'tensor a: expected each tensor in one shard, where the index has it'],
    ['a tensor listed twice', '{"weight_map": {"a": "one.safetensors", "a": "two.safetensors"}}', 'expected each key once in an object, got "a" twice'],
    ['a name that is no file', { weight_map: { a: 'one.bin' } }, 'got "one.bin"'],
    ['nesting without end', `{"weight_map": ${'{"a":'.repeat(20_000)}`, 'expected values nested at most 100 deep'],
  ])('refuses %s', (_what, content, message) => {
    index(content);
    expect(() => openStoredWeights(directory.path())).toThrow(BadInputError);
    expect(() => openStoredWeights(directory.path())).toThrow(message);
  });

  it.each(['../one.safetensors', '/etc/one.safetensors', 'a/../one.safetensors', './one.safetensors', '..\\one.safetensors', 'C:\\one.safetensors', 'one.safetensors\0.safetensors', '..'])(
    'refuses the path %j for a shard',
    (path) => {
      index({ weight_map: { a: path } });
      expect(() => openStoredWeights(directory.path())).toThrow('weight_map.a: expected a .safetensors file of the same folder');
      expect(() => weightFileNames(directory.path())).toThrow(BadInputError);
    },
  );

  it('refuses a tensor that stands in two shards', () => {
    shard('two.safetensors', 'c', 'a');
    index({ weight_map: { a: 'one.safetensors', c: 'two.safetensors' } });
    expect(() => openStoredWeights(directory.path())).toThrow(/two\.safetensors: tensor a: expected each tensor in one shard, where the index has it, got one that .*one\.safetensors has too/);
  });

  it('takes tensor names that every object inherits', () => {
    shard('one.safetensors', '__proto__', 'constructor');
    index('{"weight_map": {"__proto__": "one.safetensors", "constructor": "one.safetensors"}}');
    expect([...openStoredWeights(directory.path()).tensors.keys()].sort()).toEqual(['__proto__', 'constructor']);
  });

  it('names a link to weights that are gone', () => {
    symlinkSync('../../blobs/0123', directory.path('model.safetensors'));
    expect(() => openStoredWeights(directory.path())).toThrow(/model\.safetensors: .* got a link to a file that is not there/);
  });

  it('refuses any index with names that lead elsewhere, and reads the others', () => {
    const name = fc.oneof(fc.constantFrom('one.safetensors', 'two.safetensors', '../x.safetensors', 'x/one.safetensors'), fc.string(), fc.constant(null));
    const map = fc.dictionary(fc.oneof(fc.constantFrom('a', 'b', 'c', '__proto__'), fc.string()), name, { maxKeys: 4 });
    fc.assert(
      fc.property(map, (weightMap) => {
        index({ weight_map: weightMap });
        try {
          const { tensors } = openStoredWeights(directory.path());
          for (const tensor of Object.keys(weightMap)) expect(tensors.has(tensor)).toBe(true);
        } catch (error) {
          if (!(error instanceof BadInputError)) throw error;
        }
      }),
      { numRuns: 300, seed: 1 },
    );
  });
});

describe("a model in Hugging Face's cache", () => {
  it('is read through its links into the folder of blobs', () => {
    const snapshot = directory.path('snapshots', 'abc');
    cpSync(goldenModel('tied-fp32'), snapshot, { recursive: true });
    mkdirSync(directory.path('blobs'));
    for (const name of ['config.json', 'model.safetensors', 'tokenizer.json']) {
      renameSync(join(snapshot, name), directory.path('blobs', name));
      symlinkSync(join('..', '..', 'blobs', name), join(snapshot, name));
    }
    expect(openModelDirectory(snapshot).tensors.size).toBe(openModelDirectory(goldenModel('tied-fp32')).tensors.size);
    rmSync(directory.path('blobs', 'config.json'));
    expect(() => openModelDirectory(snapshot)).toThrow(/config\.json: expected a readable JSON file, got a link to a file that is not there/);
    expect(readFileSync(join(snapshot, 'tokenizer.json')).length).toBeGreaterThan(0);
  });
});
