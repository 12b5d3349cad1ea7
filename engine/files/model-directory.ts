import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError } from '../../campaign/errors';
import { PROJECTIONS } from '../../campaign/language-model';
import { areTensorsEqual } from './equal-tensors';
import { EMBEDDINGS, HEAD, projectionModule, projectionShape, readModelConfig, type ModelConfig } from './model-config';
import type { TensorEntry } from './safetensors';
import { openStoredWeights, weightFileNames } from './stored-weights';

/** A Hugging Face model directory whose every tensor is known to be there and to fit its configuration. */
export interface ModelDirectory {
  readonly directory: string;
  readonly config: ModelConfig;
  /** By Hugging Face's names: `model.embed_tokens.weight`, `model.layers.0.self_attn.q_proj.weight`, ... */
  readonly tensors: Map<string, TensorEntry>;
  /** Of the embedding matrix: F32, F16 or BF16. */
  readonly storedDtype: string;
}

const WEIGHT_DTYPES: readonly string[] = ['F32', 'F16', 'BF16'];

/** Files of a tokenizer and its chat template, and how the model likes to generate: those that go along with a copy. */
export const COMPANION_FILES = [
  'generation_config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'chat_template.jinja',
] as const;

/**
 * Opens a model directory and checks every tensor that its configuration implies.
 *
 * Weights stand in `model.safetensors`, or in the shards that `model.safetensors.index.json` names.
 *
 * @throws BadInputError naming the file and the field or tensor
 */
export function openModelDirectory(directory: string): ModelDirectory {
  const config = readModelConfig(directory);
  const { file: weightsName, tensors: stored } = openStoredWeights(directory);
  if (config.layers > stored.size) {
    // Before a list of all their tensors is made: a wrong number may be a huge one.
    throw new BadInputError({ where: join(directory, 'config.json: num_hidden_layers'), expected: `layers that ${stored.size} tensors can hold`, got: String(config.layers) });
  }
  const tensors = new Map<string, TensorEntry>();
  for (const [name, shape] of modelTensorShapes(config)) {
    const entry = stored.get(name);
    if (entry === undefined) throw new BadInputError({ where: weightsName, expected: `tensor ${name}`, got: 'no such tensor' });
    if (!WEIGHT_DTYPES.includes(entry.dtype)) {
      throw new BadInputError({ where: `${entry.file}: tensor ${name}: dtype`, expected: WEIGHT_DTYPES.join(', '), got: entry.dtype });
    }
    if (entry.shape.length !== shape.length || entry.shape.some((size, axis) => size !== shape[axis])) {
      throw new BadInputError({ where: `${entry.file}: tensor ${name}: shape`, expected: `[${shape.join(', ')}] by config.json`, got: `[${entry.shape.join(', ')}]` });
    }
    tensors.set(name, entry);
  }
  refuseUnexpectedTensors(stored, tensors, config);
  if (config.tied) refuseOtherHead(stored);
  return { directory, config, tensors, storedDtype: tensors.get(EMBEDDINGS)?.dtype ?? 'F32' };
}

/** Names and shapes of all tensors of a model, in the order of its forward pass. */
export function modelTensorShapes(config: ModelConfig): Map<string, readonly number[]> {
  const shapes = new Map<string, readonly number[]>([[EMBEDDINGS, [config.vocabularySize, config.width]]]);
  for (let layer = 0; layer < config.layers; layer += 1) {
    shapes.set(`model.layers.${layer}.input_layernorm.weight`, [config.width]);
    shapes.set(`model.layers.${layer}.post_attention_layernorm.weight`, [config.width]);
    for (const projection of PROJECTIONS) {
      const module = projectionModule(layer, projection);
      const [outWidth, inWidth] = projectionShape(config, projection);
      shapes.set(`${module}.weight`, [outWidth, inWidth]);
      if (config.biases.includes(projection)) shapes.set(`${module}.bias`, [outWidth]);
    }
  }
  shapes.set('model.norm.weight', [config.width]);
  if (!config.tied) shapes.set(HEAD, [config.vocabularySize, config.width]);
  return shapes;
}

/**
 * Names, within the directory, of the files that make up the model: those whose hashes pin it. Sorted.
 *
 * @throws BadInputError if there are no weights
 */
export function modelFiles(directory: string): string[] {
  const companions = COMPANION_FILES.filter((name) => existsSync(join(directory, name)));
  return ['config.json', ...companions, ...weightFileNames(directory)].sort();
}

/** Versions 4 and 5 of transformers differ in which of the two they compute with. */
function refuseOtherHead(stored: Map<string, TensorEntry>): void {
  const [head, embeddings] = [stored.get(HEAD), stored.get(EMBEDDINGS)];
  if (head === undefined || embeddings === undefined || areTensorsEqual(head, embeddings)) return;
  throw new BadInputError({
    where: `${head.file}: tensor ${HEAD}`,
    expected: `the values of ${EMBEDDINGS}, since tie_word_embeddings of config.json is true`,
    got: 'others',
  });
}

/** A tensor that the configuration does not imply (a bias, a layer too many) would be left out of the computation unsaid. */
function refuseUnexpectedTensors(stored: Map<string, TensorEntry>, expected: Map<string, TensorEntry>, config: ModelConfig): void {
  for (const [name, entry] of stored) {
    const harmless = expected.has(name) || name.endsWith('.rotary_emb.inv_freq') || (config.tied && name === HEAD);
    if (!harmless) {
      throw new BadInputError({ where: `${entry.file}: tensor ${name}`, expected: 'only tensors that config.json implies', got: `an unexpected one, [${entry.shape.join(', ')}]` });
    }
  }
}
