import { join } from 'node:path';
import { BadInputError } from '../../campaign/errors';
import type { LoraSettings } from '../../campaign/language-model';
import { type AdaptedModule, adaptedModules } from './adapted-modules';
import { adapterConfigJson, configField, parseAdapterConfig } from './adapter-config';
import { writeJsonAtomically } from './atomic-write';
import { areTensorsEqual } from './equal-tensors';
import { readJsonObject } from './json-file';
import { EMBEDDINGS, HEAD, projectionModule, projectionShape, type ModelConfig } from './model-config';
import { refuseNonFiniteValues } from './non-finite';
import { openSafetensors, readTensorF32, writeSafetensors, type TensorEntry, type TensorToWrite } from './safetensors';

export { adapterKey } from './adapted-modules';

/** The two factors of one projection's update scale * B A. */
export interface LoraMatrices {
  /** [rank, in], row-major. */
  readonly a: Float32Array;
  /** [out, rank], row-major. */
  readonly b: Float32Array;
}

/** A LoRA adapter in memory: its settings, and the matrices of the modules that they adapt (`adaptedModules`). */
export interface Adapter extends LoraSettings {
  /** By `adapterKey`. */
  readonly matrices: Map<string, LoraMatrices>;
}

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';
/** What an adapter's directory consists of. */
export const ADAPTER_FILES = [CONFIG, WEIGHTS] as const;
/** What PEFT puts before a base model's own module names. */
const PREFIX = 'base_model.model.';

/**
 * Reads a PEFT LoRA directory and checks that it fits the model.
 *
 * @param base the model's tensors: PEFT saves copies of embeddings and head beside the factors, which are harmless where they are equal.
 * @default such copies are refused
 * @throws BadInputError for anything but plain LoRA (see `parseAdapterConfig`), and for tensors that are missing, unexpected, of a
 * wrong shape, or that the base has with other values
 */
export function readAdapter(directory: string, config: ModelConfig, base: ReadonlyMap<string, TensorEntry> = new Map()): Adapter {
  const configFile = join(directory, CONFIG);
  const settings = parseAdapterConfig(configFile, readJsonObject(configFile));
  const modules = adaptedModules(settings, config, configField(configFile));
  const file = join(directory, WEIGHTS);
  const { tensors } = openSafetensors(file);
  const matrices = new Map<string, LoraMatrices>();
  const used = new Set<string>();
  for (const module of modules) {
    const read = (factor: 'A' | 'B'): Float32Array => {
      const name = tensorName(module, factor);
      used.add(name);
      return readFactor(file, tensors.get(name), name, factorShape(module, factor, config));
    };
    matrices.set(module.key, { a: read('A'), b: read('B') });
  }
  for (const [name, entry] of tensors) {
    if (used.has(name)) continue;
    const own = baseTensor(name, config, base);
    if (own === undefined) {
      throw new BadInputError({
        where: `${file}: tensor ${name}`,
        expected: `LoRA factors of the ${modules.length} modules that ${CONFIG} adapts in ${config.layers} layers`,
        got: 'another tensor',
      });
    }
    refuseTrainedCopy(entry, own);
  }
  return { ...settings, matrices };
}

/** What a tensor of an adapter is a copy of; the head of tied embeddings is the embeddings. */
function baseTensor(name: string, config: ModelConfig, base: ReadonlyMap<string, TensorEntry>): TensorEntry | undefined {
  if (!name.startsWith(PREFIX)) return undefined;
  const own = name.slice(PREFIX.length);
  return base.get(config.tied && own === HEAD ? EMBEDDINGS : own);
}

function refuseTrainedCopy(copy: TensorEntry, own: TensorEntry): void {
  if (areTensorsEqual(copy, own)) return;
  const what = own.name === EMBEDDINGS || own.name === HEAD ? 'trained embeddings' : 'trained base weights';
  const isResized = copy.shape.join() !== own.shape.join();
  throw new BadInputError({
    where: `${copy.file}: tensor ${copy.name}`,
    expected: `the base's own values${isResized ? `, [${own.shape.join(', ')}]` : ''} (${what} are not supported)`,
    got: isResized ? `another shape, [${copy.shape.join(', ')}]` : `others${copy.dtype === own.dtype ? '' : ` (${copy.dtype}, the base ${own.dtype})`}`,
  });
}

/**
 * Writes an adapter as a PEFT directory, each file atomically. Its bytes depend on the arguments alone.
 *
 * @param options.baseModel what `base_model_name_or_path` says; of an absolute path only the last part is kept, so
 * that equal adapters have equal bytes on every machine
 * @throws RangeError if the adapter does not fit the model
 */
export function writeAdapter(directory: string, adapter: Adapter, config: ModelConfig, options: { readonly baseModel: string }): void {
  const tensors = adaptedModules(adapter, config).flatMap((module): TensorToWrite[] => {
    const matrices = adapter.matrices.get(module.key);
    if (matrices === undefined) throw new RangeError(`adapter has no matrices ${module.key}`);
    return [
      { name: tensorName(module, 'A'), dtype: 'F32', shape: factorShape(module, 'A', config), data: matrices.a },
      { name: tensorName(module, 'B'), dtype: 'F32', shape: factorShape(module, 'B', config), data: matrices.b },
    ];
  });
  writeSafetensors(join(directory, WEIGHTS), tensors, { format: 'pt' });
  writeJsonAtomically(join(directory, CONFIG), adapterConfigJson(adapter, options.baseModel));
}

function tensorName({ layer, projection }: AdaptedModule, factor: 'A' | 'B'): string {
  return `${PREFIX}${projectionModule(layer, projection)}.lora_${factor}.weight`;
}

function factorShape({ projection, rank }: AdaptedModule, factor: 'A' | 'B', config: ModelConfig): readonly [number, number] {
  const [outWidth, inWidth] = projectionShape(config, projection);
  return factor === 'A' ? [rank, inWidth] : [outWidth, rank];
}

function readFactor(file: string, entry: TensorEntry | undefined, name: string, shape: readonly [number, number]): Float32Array {
  if (entry === undefined) throw new BadInputError({ where: file, expected: `tensor ${name}`, got: 'no such tensor' });
  if (entry.shape.length !== 2 || entry.shape[0] !== shape[0] || entry.shape[1] !== shape[1]) {
    throw new BadInputError({
      where: `${file}: tensor ${name}: shape`,
      expected: `[${shape.join(', ')}] for this model and rank`,
      got: `[${entry.shape.join(', ')}]`,
    });
  }
  const values = readTensorF32(entry);
  refuseNonFiniteValues(entry, values);
  return values;
}
