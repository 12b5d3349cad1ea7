import { closeSync, cpSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSafetensors } from '../../engine/files/safetensors';
import { goldenModel } from '../golden/golden-values';
import { runCommand } from './run-command';

let directory: string;
beforeAll(() => (directory = mkdtempSync(join(tmpdir(), 'seal-models-'))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface ModelsDocument {
  readonly models: readonly (Record<string, unknown> & { readonly memory: Record<'training' | 'generation', Record<string, number>> })[];
  readonly error?: { readonly code: string; readonly message: string };
}

async function inspect(...args: string[]): Promise<{ exitCode: number; stderr: string; document: ModelsDocument }> {
  const { exitCode, stdout, stderr } = await runCommand(['models', ...args, '--json']);
  return { exitCode, stderr, document: JSON.parse(stdout) as ModelsDocument };
}

describe('seal models', () => {
  it('says what a directory is', async () => {
    const sharded = goldenModel('llama3-sharded-fp16');
    const { exitCode, stderr, document } = await inspect(sharded, goldenModel('qwen2-bf16'));
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    const shards = [1, 2, 3, 4].map((shard) => `model-0000${shard}-of-00004.safetensors`);
    const files = [...shards, 'model.safetensors.index.json', 'config.json', 'generation_config.json', 'tokenizer.json', 'tokenizer_config.json', 'chat_template.jinja'];
    expect(document.models[0]).toMatchObject({
      directory: sharded, usable: true, architecture: 'llama', parameters: 36_576, dtype: 'F16', contextLength: 512, vocabularySize: 305, tokens: 305, tied: false,
      layers: 2, width: 32, heads: 4, kvHeads: 2, headDim: 12, biases: [], ropeTheta: 10_000,
      ropeScaling: { type: 'llama3', factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContextLength: 32 },
      eosTokens: [{ id: 301, token: '<|end_of_text|>' }, { id: 304, token: '<|eot_id|>' }, { id: 40, token: 'I' }],
      chatTemplate: true, weightFiles: shards, diskBytes: files.reduce((sum, name) => sum + statSync(join(sharded, name)).size, 0),
    });
    expect(document.models[1]).toMatchObject({ architecture: 'qwen2', dtype: 'BF16', biases: ['q_proj', 'k_proj', 'v_proj'], tied: true, vocabularySize: 320, tokens: 303, ropeScaling: null });
  });

  it('foresees memory for the settings it is given, with rows no longer than the context', async () => {
    const memoryOf = async (...flags: string[]) => (await inspect(goldenModel('tied-fp32'), ...flags)).document.models[0]?.memory;
    const plain = await memoryOf();
    expect(plain?.training['total']).toBeGreaterThan(plain?.training['program'] ?? NaN);
    expect((await memoryOf('--batch', '8'))?.training['values']).toBeGreaterThan(plain?.training['values'] ?? NaN);
    expect((await memoryOf('--rank', '64'))?.training['state']).toBe(2 * (plain?.training['state'] ?? NaN));
    expect((await memoryOf('--rows', '64'))?.generation['state']).toBeGreaterThan(plain?.generation['state'] ?? NaN);
    // A context of 128 tokens.
    expect(await memoryOf('--length', '4096')).toEqual(await memoryOf('--length', '128'));
  });

  it('says in one line each why others cannot be used, and exits with 2', async () => {
    const yarn = join(directory, 'yarn');
    cpSync(goldenModel('tied-fp32'), yarn, { recursive: true });
    writeFileSync(join(yarn, 'config.json'), JSON.stringify({ model_type: 'mistral' }));
    const nowhere = join(directory, 'nowhere');
    const { exitCode, stderr, document } = await inspect(yarn, goldenModel('gqa-bf16'), nowhere);
    expect(exitCode).toBe(2);
    expect(stderr).toBe(`models: expected 3 directories of models that can be used, got 2 that cannot: ${yarn}, ${nowhere}\n`);
    expect(document.error?.code).toBe('BAD_INPUT');
    expect(document.models.map(({ usable }) => usable)).toEqual([false, true, false]);
    expect(document.models[0]).toMatchObject({
      reason: `${join(yarn, 'config.json')}: model_type: expected "llama" or "qwen2" (no other architecture is supported), got "mistral"`,
      refusal: { where: `${join(yarn, 'config.json')}: model_type`, got: '"mistral"' },
    });
  });

  it('prints the same for a person', async () => {
    const { exitCode, stdout, stderr } = await runCommand(['models', goldenModel('llama-biases-fp32'), join(directory, 'nowhere')]);
    expect(exitCode).toBe(2);
    expect(stdout).toContain('architecture   llama, 2 layers of width 16, feed-forward 24');
    expect(stdout).toContain('rope           theta 500, all frequencies divided by 4');
    expect(stdout).toMatch(/training {7}about \d+ MB \(LoRA of rank 32, rows of 256 tokens, 1 a step\)/);
    expect(stdout).toContain(`cannot be used: model ${join(directory, 'nowhere')}: expected a directory, got no such file`);
    expect(stderr).toBe(`model ${join(directory, 'nowhere')}: expected a directory, got no such file\n`);
  });

  it('reads every weight where it is asked to', async () => {
    const broken = join(directory, 'broken');
    cpSync(goldenModel('tied-fp32'), broken, { recursive: true });
    const file = join(broken, 'model.safetensors');
    const entry = openSafetensors(file).tensors.get('model.norm.weight');
    const descriptor = openSync(file, 'r+');
    writeSync(descriptor, Buffer.from(Float32Array.of(Infinity).buffer), 0, 4, (entry?.byteOffset ?? 0) + 4 * 5);
    closeSync(descriptor);
    expect((await inspect(broken)).exitCode).toBe(0);
    const { exitCode, stderr } = await inspect(broken, '--check-weights');
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: `${file}: tensor model.norm.weight: element [5]: expected a finite weight, got Infinity\n` });
    expect((await inspect(goldenModel('qwen2-bf16'), '--check-weights')).exitCode).toBe(0);
  });
});
