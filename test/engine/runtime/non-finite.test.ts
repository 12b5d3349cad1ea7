import { closeSync, cpSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BadInputError, NotFiniteError } from '../../../campaign/errors';
import type { FineTuneRequest, OptimiserSettings } from '../../../campaign/language-model';
import { openSafetensors } from '../../../engine/files/safetensors';
import { type ComputeProcess, startComputeProcess } from '../../../engine/runtime/compute-client';
import { goldenAdapter, goldenModel } from '../../golden/golden-values';

jest.setTimeout(120_000);

const optimiser: OptimiserSettings = {
  trainEpochs: 1, learningRate: 1e-3, batch: 1, schedule: 'linear', warmupSteps: 0, shuffle: true, clipNorm: 1, weightDecay: 0,
};

let directory: string;
let compute: ComputeProcess;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'seal-finite-'));
  compute = startComputeProcess({ threads: 1 });
});
afterEach(async () => {
  await compute.close();
  rmSync(directory, { recursive: true });
});

/** Overwrites one float32 of a safetensors file. */
function putFloat(file: string, tensor: string, element: number, value: number): void {
  const entry = openSafetensors(file).tensors.get(tensor);
  if (entry?.dtype !== 'F32') throw new Error(`no F32 tensor ${tensor}`);
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.from(Float32Array.of(value).buffer), 0, 4, entry.byteOffset + 4 * element);
  closeSync(descriptor);
}

function copyOf(source: string, name: string): string {
  cpSync(source, join(directory, name), { recursive: true });
  return join(directory, name);
}

describe('a model with a weight that is NaN', () => {
  const tensor = 'model.layers.1.mlp.up_proj.weight';
  // [48, 32]: row 2, column 3
  const line = /model\.safetensors: tensor model\.layers\.1\.mlp\.up_proj\.weight: element \[2, 3\]: expected a finite weight, got NaN$/;
  let modelDirectory: string;
  beforeEach(() => {
    modelDirectory = copyOf(goldenModel('tied-fp32'), 'model');
    putFloat(join(modelDirectory, 'model.safetensors'), tensor, 2 * 32 + 3, NaN);
  });

  test.each([0, 1])('answers no prompt (temperature %i)', async (temperature) => {
    const groups = [{ adapterDirectory: null, rows: [{ prompt: 'a b', seed: 1 }] }];
    const call = compute.generate({ modelDirectory, groups, maxNewTokens: 4, temperature, topP: 1 });
    await expect(call).rejects.toThrow(BadInputError);
    await expect(call).rejects.toThrow(line);
  });

  test('scores no row', async () => {
    const call = compute.score({ modelDirectory, groups: [{ adapterDirectory: null, rows: [{ text: 'a b c' }] }] });
    await expect(call).rejects.toThrow(BadInputError);
    await expect(call).rejects.toThrow(line);
  });

  test('is not fine-tuned', async () => {
    const request: FineTuneRequest = {
      modelDirectory,
      lora: { rank: 2, alpha: 4, targets: ['q_proj'] },
      jobs: [{ rows: [{ text: 'a b c d' }], optimiser, seed: 1, outDirectory: join(directory, 'adapter') }],
    };
    const call = compute.fineTune(request);
    await expect(call).rejects.toThrow(BadInputError);
    await expect(call).rejects.toThrow(line);
  });
});

describe('what overflows though every weight is finite', () => {
  test('is no fault of the files: the prompt is named', async () => {
    const modelDirectory = copyOf(goldenModel('tied-fp32'), 'model');
    for (let element = 0; element < 32; element += 1) putFloat(join(modelDirectory, 'model.safetensors'), 'model.norm.weight', element, 3e38);
    const groups = [{ adapterDirectory: null, rows: [{ prompt: 'a b' }] }];
    const call = compute.generate({ modelDirectory, groups, maxNewTokens: 4, temperature: 0, topP: 1 });
    await expect(call).rejects.toThrow(NotFiniteError);
    await expect(call).rejects.toThrow(/prompt 1, new token 1: expected finite logits, got .* for token \d+$/);
    const score = compute.score({ modelDirectory, groups: [{ adapterDirectory: null, rows: [{ text: 'a b c' }] }] });
    await expect(score).rejects.toThrow(/row 1: expected a finite log-probability, got/);
  });
});

describe('an adapter with a value that is not finite', () => {
  test('is refused by name', async () => {
    const adapterDirectory = copyOf(goldenAdapter('tied-all-r4'), 'adapter');
    const tensor = 'base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight';
    putFloat(join(adapterDirectory, 'adapter_model.safetensors'), tensor, 33, -Infinity);
    const call = compute.score({ modelDirectory: goldenModel('tied-fp32'), groups: [{ adapterDirectory, rows: [{ text: 'a b c' }] }] });
    await expect(call).rejects.toThrow(BadInputError);
    await expect(call).rejects.toThrow(/adapter_model\.safetensors: tensor .*q_proj\.lora_A\.weight: element \[1, 1\]: expected a finite weight, got -Infinity$/);
  });
});
