import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../../bench/measure';
import { SMALL, randomText, writeRandomModel } from '../../bench/random-model';
import { openModelDirectory } from '../../engine/files/model-directory';
import { loadTokenizer } from '../../engine/files/tokenizer';
import { seededRandom } from '../../seal/algorithm/seeds';

describe('the small random model of the benchmark', () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'seal-bench-'));
    writeRandomModel(join(directory, 'one'), SMALL, 1);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('has the 5.5 million parameters that the tables say', () => {
    const { tensors } = openModelDirectory(join(directory, 'one'));
    const parameters = [...tensors.values()].reduce((sum, { byteLength }) => sum + byteLength / 4, 0);
    expect(parameters).toBe(5_475_584);
  });

  it('is the same each time', () => {
    writeRandomModel(join(directory, 'two'), SMALL, 1);
    const weights = (name: string): Buffer => readFileSync(join(directory, name, 'model.safetensors'));
    expect(weights('one').equals(weights('two'))).toBe(true);
  });

  it('reads a random text as exactly the tokens that were asked for', () => {
    const tokenizer = loadTokenizer(join(directory, 'one'));
    const ids = tokenizer.encodePrompt(randomText(128, seededRandom(2), SMALL));
    expect(ids).toHaveLength(128);
    expect(Math.min(...ids)).toBeGreaterThanOrEqual(3);
    expect(new Set(ids).size).toBeGreaterThan(100);
  });
});

describe('median', () => {
  it.each([[[3], 3], [[5, 1, 3], 3], [[4, 1, 3, 2], 2.5]])('of %j is %d', (values, expected) => {
    expect(median(values)).toBe(expected);
  });

  it('of nothing is an error', () => {
    expect(() => median([])).toThrow(RangeError);
  });
});
