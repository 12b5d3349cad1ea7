import { isAbsolute, basename, join } from 'node:path';
import { BadInputError } from '../../contracts/errors';
import { PROJECTIONS, type Projection } from '../../contracts/language-model';
import { writeJsonAtomically } from './atomic-write';
import { describeValue, isJsonObject, readJsonObject, type JsonObject } from './json-file';
import { projectionModule, projectionShape, type ModelConfig } from './model-config';
import { openSafetensors, readTensorF32, writeSafetensors, type TensorEntry, type TensorToWrite } from './safetensors';

/** The two factors of one projection's update (alpha / rank) B A. */
export interface LoraMatrices {
  /** [rank, in], row-major. */
  readonly a: Float32Array;
  /** [out, rank], row-major. */
  readonly b: Float32Array;
}

/** A LoRA adapter in memory. */
export interface Adapter {
  readonly rank: number;
  /** The update is scaled by alpha / rank. */
  readonly alpha: number;
  /** In the order of PROJECTIONS. Each is adapted in every layer. */
  readonly targets: readonly Projection[];
  /** By {@link adapterKey}. */
  readonly matrices: Map<string, LoraMatrices>;
}

const CONFIG = 'adapter_config.json';
const WEIGHTS = 'adapter_model.safetensors';
/** What PEFT puts before a base model's own module names. */
const PREFIX = 'base_model.model.';

/** Key of a projection's matrices in {@link Adapter}. */
export function adapterKey(layer: number, projection: Projection): string {
  return `${layer}.${projection}`;
}

/**
 * Reads a PEFT LoRA directory and checks that it fits the model.
 *
 * @throws BadInputError for anything but plain LoRA on the same projections of every layer (DoRA, rank-stabilised
 * scaling, trained biases or modules, patterns), and for tensors that are missing, unexpected or of a wrong shape
 */
export function readAdapter(directory: string, config: ModelConfig): Adapter {
  const configFile = join(directory, CONFIG);
  const json = readJsonObject(configFile);
  refuseUnsupported(configFile, json);
  const rank = positiveNumber(configFile, json, 'r');
  if (!Number.isInteger(rank)) throw new BadInputError({ where: `${configFile}: r`, expected: 'an integer', got: String(rank) });
  const alpha = positiveNumber(configFile, json, 'lora_alpha');
  const file = join(directory, WEIGHTS);
  const { tensors } = openSafetensors(file);
  const targets = PROJECTIONS.filter((projection) => tensors.has(tensorName(0, projection, 'A')));
  if (targets.length === 0) {
    throw new BadInputError({ where: file, expected: `LoRA tensors of layer 0, such as ${tensorName(0, 'q_proj', 'A')}`, got: describeNames(tensors) });
  }
  checkDeclaredTargets(configFile, json['target_modules'], targets);
  const matrices = new Map<string, LoraMatrices>();
  const used = new Set<string>();
  for (let layer = 0; layer < config.layers; layer += 1) {
    for (const projection of targets) {
      const [outWidth, inWidth] = projectionShape(config, projection);
      const read = (factor: 'A' | 'B', shape: readonly [number, number]): Float32Array => {
        const name = tensorName(layer, projection, factor);
        used.add(name);
        return readFactor(file, tensors.get(name), name, shape);
      };
      matrices.set(adapterKey(layer, projection), { a: read('A', [rank, inWidth]), b: read('B', [outWidth, rank]) });
    }
  }
  const unexpected = [...tensors.keys()].find((name) => !used.has(name));
  if (unexpected !== undefined) {
    throw new BadInputError({ where: `${file}: tensor ${unexpected}`, expected: `LoRA factors of ${targets.join(', ')} in ${config.layers} layers only`, got: 'another tensor' });
  }
  return { rank, alpha, targets, matrices };
}

/**
 * Writes an adapter as a PEFT directory, each file atomically. Its bytes depend on the arguments alone.
 *
 * @param options.baseModel what `base_model_name_or_path` says; of an absolute path only the last part is kept, so
 * that equal adapters have equal bytes on every machine
 * @throws RangeError if the adapter does not fit the model
 */
export function writeAdapter(directory: string, adapter: Adapter, config: ModelConfig, options: { readonly baseModel: string }): void {
  const tensors: TensorToWrite[] = [];
  for (let layer = 0; layer < config.layers; layer += 1) {
    for (const projection of adapter.targets) {
      const matrices = adapter.matrices.get(adapterKey(layer, projection));
      if (matrices === undefined) throw new RangeError(`adapter has no matrices ${adapterKey(layer, projection)}`);
      const [outWidth, inWidth] = projectionShape(config, projection);
      tensors.push({ name: tensorName(layer, projection, 'A'), dtype: 'F32', shape: [adapter.rank, inWidth], data: matrices.a });
      tensors.push({ name: tensorName(layer, projection, 'B'), dtype: 'F32', shape: [outWidth, adapter.rank], data: matrices.b });
    }
  }
  writeSafetensors(join(directory, WEIGHTS), tensors, { format: 'pt' });
  writeJsonAtomically(join(directory, CONFIG), adapterConfig(adapter, options.baseModel));
}

/** The fields that PEFT and vLLM read, as PEFT names them. */
function adapterConfig(adapter: Adapter, baseModel: string): JsonObject {
  return {
    alpha_pattern: {},
    base_model_name_or_path: isAbsolute(baseModel) ? basename(baseModel) : baseModel,
    bias: 'none',
    fan_in_fan_out: false,
    inference_mode: true,
    init_lora_weights: true,
    lora_alpha: adapter.alpha,
    lora_dropout: 0,
    modules_to_save: null,
    peft_type: 'LORA',
    r: adapter.rank,
    rank_pattern: {},
    target_modules: PROJECTIONS.filter((projection) => adapter.targets.includes(projection)),
    task_type: 'CAUSAL_LM',
    use_dora: false,
    use_rslora: false,
  };
}

function tensorName(layer: number, projection: Projection, factor: 'A' | 'B'): string {
  return `${PREFIX}${projectionModule(layer, projection)}.lora_${factor}.weight`;
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
  return readTensorF32(entry);
}

/** Fields that change what is computed, with the only value for which the engine computes the same. */
const PLAIN_LORA: Readonly<Record<string, { readonly value: unknown; readonly otherwise: string }>> = {
  use_dora: { value: false, otherwise: 'DoRA is not supported' },
  use_rslora: { value: false, otherwise: 'rank-stabilised scaling is not supported' },
  use_qalora: { value: false, otherwise: 'QALoRA is not supported' },
  lora_bias: { value: false, otherwise: 'biases are not supported' },
  fan_in_fan_out: { value: false, otherwise: 'transposed weights are not supported' },
  bias: { value: 'none', otherwise: 'trained biases are not supported' },
};

/** Fields that must be null, or empty. */
const MUST_BE_EMPTY = [
  'modules_to_save',
  'rank_pattern',
  'alpha_pattern',
  'layers_to_transform',
  'layer_replication',
  'trainable_token_indices',
  'target_parameters',
  'alora_invocation_tokens',
];

function refuseUnsupported(file: string, json: JsonObject): void {
  if (json['peft_type'] !== 'LORA') {
    throw new BadInputError({ where: `${file}: peft_type`, expected: '"LORA"', got: describeValue(json['peft_type']) });
  }
  for (const [field, { value, otherwise }] of Object.entries(PLAIN_LORA)) {
    if ((json[field] ?? value) !== value) {
      throw new BadInputError({ where: `${file}: ${field}`, expected: `${describeValue(value)} (${otherwise})`, got: describeValue(json[field]) });
    }
  }
  for (const field of MUST_BE_EMPTY) {
    const value = json[field] ?? [];
    const empty = Array.isArray(value) ? value.length === 0 : isJsonObject(value) && Object.keys(value).length === 0;
    if (!empty) throw new BadInputError({ where: `${file}: ${field}`, expected: 'null or empty (not supported otherwise)', got: describeValue(value) });
  }
}

/** A list of modules must agree with the tensors; a pattern, or `all-linear`, is taken as the tensors show it. */
function checkDeclaredTargets(file: string, declared: unknown, found: readonly Projection[]): void {
  if (!Array.isArray(declared)) return;
  const names = new Set(declared.map((name) => String(name).split('.').at(-1)));
  const agrees = names.size === found.length && found.every((projection) => names.has(projection));
  if (!agrees) {
    throw new BadInputError({ where: `${file}: target_modules`, expected: `${found.join(', ')}, as ${WEIGHTS} has them`, got: [...names].join(', ') });
  }
}

function positiveNumber(file: string, json: JsonObject, field: string): number {
  const value = json[field];
  if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
  throw new BadInputError({ where: `${file}: ${field}`, expected: 'a positive number', got: describeValue(value) });
}

function describeNames(tensors: Map<string, TensorEntry>): string {
  const names = [...tensors.keys()];
  return names.length === 0 ? 'no tensors' : `${names.length} tensors, the first ${names[0]}`;
}
