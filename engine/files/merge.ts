import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { BadInputError } from '../../campaign/errors';
import type { MergedDtype } from '../../campaign/language-model';
import { adaptedModules } from './adapted-modules';
import { readAdapter, type Adapter, type LoraMatrices } from './adapter';
import { temporaryNameBeside, writeJsonAtomically } from './atomic-write';
import { readJsonObject, type JsonObject } from './json-file';
import { projectionModule } from './model-config';
import { COMPANION_FILES, openModelDirectory, type ModelDirectory } from './model-directory';
import { signOfLife } from '../runtime/sign-of-life';
import { readTensorF32, writeSafetensors, type TensorToWrite } from './safetensors';

/**
 * Writes base + adapters as a Hugging Face model directory: W + (alpha / rank) B A, one adapter after the other, in fp32.
 *
 * The directory appears whole or not at all; one that an earlier merge left there is replaced.
 *
 * @param dtype of the stored weights, rounded to nearest once all adapters are merged. @default float32
 * @throws BadInputError if the model or an adapter is not usable, or `outDirectory` holds anything but a model
 */
export function mergeAdapters(
  modelDirectory: string,
  adapterDirectories: readonly string[],
  outDirectory: string,
  dtype: MergedDtype = 'float32',
): void {
  const model = openModelDirectory(modelDirectory);
  const adapters = adapterDirectories.map((directory) => readAdapter(directory, model.config, model.tensors));
  refuseForeignDirectory(outDirectory);
  mkdirSync(dirname(outDirectory), { recursive: true });
  const staging = temporaryNameBeside(outDirectory);
  try {
    mkdirSync(staging);
    writeSafetensors(join(staging, 'model.safetensors'), mergedTensors(model, adapters, dtype), { format: 'pt' });
    for (const name of COMPANION_FILES) {
      if (existsSync(join(modelDirectory, name))) copyFileSync(join(modelDirectory, name), join(staging, name));
    }
    writeJsonAtomically(join(staging, 'config.json'), configOfDtype(readJsonObject(join(modelDirectory, 'config.json')), dtype));
    replaceDirectory(staging, outDirectory);
  } finally {
    rmSync(staging, { recursive: true, force: true });
  }
}

function mergedTensors(model: ModelDirectory, adapters: readonly Adapter[], dtype: MergedDtype): TensorToWrite[] {
  const updates = new Map<string, ((weight: Float32Array) => void)[]>();
  for (const adapter of adapters) {
    for (const { key, layer, projection, rank, scale } of adaptedModules(adapter, model.config)) {
      const matrices = adapter.matrices.get(key);
      if (matrices === undefined) throw new Error(`adapter: no matrices for ${key}`);
      const name = `${projectionModule(layer, projection)}.weight`;
      updates.set(name, [...(updates.get(name) ?? []), (weight) => addUpdate(weight, matrices, rank, scale)]);
    }
  }
  return [...model.tensors.values()].map((entry) => ({
    name: entry.name,
    dtype: dtype === 'float32' ? 'F32' : 'BF16',
    shape: entry.shape,
    data: () => {
      const weight = readTensorF32(entry);
      for (const update of updates.get(entry.name) ?? []) update(weight);
      signOfLife();
      return weight;
    },
  }));
}

/**
 * weight += scale * b a, in place. Each element's sum over the rank is taken in double and rounded once, so that the
 * bits are the same on every machine.
 *
 * @param weight [out, in]
 */
export function addUpdate(weight: Float32Array, { a, b }: LoraMatrices, rank: number, scale: number): void {
  const inWidth = a.length / rank;
  const outWidth = b.length / rank;
  const update = new Float64Array(inWidth);
  for (let row = 0; row < outWidth; row += 1) {
    update.fill(0);
    for (let k = 0; k < rank; k += 1) {
      const factor = scale * b[row * rank + k]!;
      const start = k * inWidth;
      for (let column = 0; column < inWidth; column += 1) update[column]! += factor * a[start + column]!;
    }
    const start = row * inWidth;
    for (let column = 0; column < inWidth; column += 1) weight[start + column]! += Math.fround(update[column]!);
  }
}

/** The same configuration, saying how weights are stored (`torch_dtype` is what older readers look at). */
function configOfDtype(json: JsonObject, dtype: MergedDtype): JsonObject {
  return { ...json, dtype, ...(json['torch_dtype'] === undefined ? {} : { torch_dtype: dtype }) };
}

const MERGED_FILES: readonly string[] = ['config.json', 'model.safetensors', ...COMPANION_FILES];

function refuseForeignDirectory(directory: string): void {
  const foreign = existsSync(directory) ? readdirSync(directory).find((name) => !MERGED_FILES.includes(name)) : undefined;
  if (foreign !== undefined) {
    throw new BadInputError({ where: directory, expected: 'a new folder, or one that holds a merged model', got: `a folder with ${foreign}` });
  }
}

function replaceDirectory(staging: string, target: string): void {
  const replaced = temporaryNameBeside(target);
  if (existsSync(target)) renameSync(target, replaced);
  renameSync(staging, target);
  rmSync(replaced, { recursive: true, force: true });
}
