import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../campaign/errors';
import { describeValue, isJsonObject, readJsonObject } from './json-file';
import { openSafetensors, type TensorEntry } from './safetensors';

const WEIGHTS = 'model.safetensors';
const INDEX = 'model.safetensors.index.json';
/** A plain name: an index comes from whoever made the model, and may not lead out of its folder on any system. */
const SHARD_NAME = /^[^/\\\0]+\.safetensors$/;

/** The weights of a model directory: one file, or the shards that an index names. */
export interface StoredWeights {
  /** `model.safetensors` or its index, for messages. */
  readonly file: string;
  /** By the names they are stored under. */
  readonly tensors: Map<string, TensorEntry>;
}

/**
 * Opens every weight file of a model directory. A shard may be a link (Hugging Face's cache is made of them), its name no path.
 *
 * @throws BadInputError naming the file and the tensor: weights or shards that are not there or malformed, a shard's name that is a
 * path, a tensor that its shard lacks or that stands in two
 */
export function openStoredWeights(directory: string): StoredWeights {
  const whole = join(directory, WEIGHTS);
  if (isThere(whole)) return { file: whole, tensors: openSafetensors(whole).tensors };
  const file = join(directory, INDEX);
  const shardOf = readWeightMap(directory);
  const tensors = new Map<string, TensorEntry>();
  for (const shard of shardNames(shardOf)) {
    for (const [name, entry] of openSafetensors(join(directory, shard)).tensors) {
      const mapped = shardOf.get(name);
      const other = tensors.get(name)?.file ?? (mapped === undefined || mapped === shard ? undefined : mapped);
      if (other !== undefined) {
        throw new BadInputError({ where: `${entry.file}: tensor ${name}`, expected: 'each tensor in one shard, where the index has it', got: `one that ${other} has too` });
      }
      tensors.set(name, entry);
    }
  }
  for (const [name, shard] of shardOf) {
    if (!tensors.has(name)) throw new BadInputError({ where: join(directory, shard), expected: `tensor ${name}, which ${INDEX} says it has`, got: 'no such tensor' });
  }
  return { file, tensors };
}

/**
 * Names, within the directory, of the files that hold the weights, the index among them.
 *
 * @throws BadInputError if there are none
 */
export function weightFileNames(directory: string): string[] {
  return isThere(join(directory, WEIGHTS)) ? [WEIGHTS] : [INDEX, ...shardNames(readWeightMap(directory))];
}

/** A link counts even if it leads nowhere: opening it will say so. */
function isThere(file: string): boolean {
  return lstatSync(file, { throwIfNoEntry: false }) !== undefined;
}

function shardNames(shardOf: ReadonlyMap<string, string>): string[] {
  return [...new Set(shardOf.values())].sort();
}

/** Shard of each tensor. */
function readWeightMap(directory: string): Map<string, string> {
  const file = join(directory, INDEX);
  if (!isThere(file)) throw new BadInputError({ where: join(directory, WEIGHTS), expected: "the model's weights", got: 'no such file' });
  const weightMap = readJsonObject(file)['weight_map'];
  if (!isJsonObject(weightMap)) {
    throw new BadInputError({ where: `${file}: weight_map`, expected: 'an object: tensor name to file name', got: describeValue(weightMap) });
  }
  const shardOf = new Map<string, string>();
  for (const [tensor, shard] of Object.entries(weightMap)) {
    if (typeof shard !== 'string' || !SHARD_NAME.test(shard)) {
      throw new BadInputError({ where: `${file}: weight_map.${tensor}`, expected: 'a .safetensors file of the same folder', got: describeValue(shard) });
    }
    shardOf.set(tensor, shard);
  }
  return shardOf;
}
