import { statSync } from 'node:fs';
import { join } from 'node:path';
import { BadInputError, type BadInputDetail } from '../campaign/errors';
import { hasChatTemplate, loadChatTemplate } from '../engine/files/chat-template';
import type { ModelConfig } from '../engine/files/model-config';
import { type ModelDirectory, modelFiles, openModelDirectory } from '../engine/files/model-directory';
import { refuseNonFinite } from '../engine/files/non-finite';
import { loadModelTokenizer } from '../engine/files/tokenizer';
import {
  type GenerationMemorySettings,
  type MemoryEstimate,
  type TrainingMemorySettings,
  estimateGenerationMemory,
  estimateTrainingMemory,
} from '../engine/model/memory-estimate';
import { existingDirectory } from './directories';

/** What a model directory is. */
export interface UsableModel extends Omit<ModelConfig, 'eosTokenIds'> {
  readonly directory: string;
  readonly usable: true;
  readonly parameters: number;
  /** Of the stored weights: F32, F16 or BF16. */
  readonly dtype: string;
  /** That the tokenizer knows. */
  readonly tokens: number;
  readonly eosTokens: readonly { readonly id: number; readonly token: string }[];
  readonly chatTemplate: boolean;
  readonly weightFiles: readonly string[];
  /** Of all files of the model; what a link leads to. */
  readonly diskBytes: number;
  /** Bytes, as far as they can be foreseen. */
  readonly memory: { readonly training: MemoryEstimate; readonly generation: MemoryEstimate };
}

/** A directory that is no model, or none that the engine computes. */
export interface UnusableModel {
  readonly directory: string;
  readonly usable: false;
  /** One line. */
  readonly reason: string;
  readonly refusal: BadInputDetail;
}

export type InspectedModel = UsableModel | UnusableModel;

export interface InspectionSettings {
  readonly training: TrainingMemorySettings;
  readonly generation: GenerationMemorySettings;
  /** Reads every weight, to find one that is NaN or infinite. */
  readonly checkWeights: boolean;
}

/** Looks at everything that opening a model looks at; what would be refused then is the reason here. Rows are no longer than the context. */
export function inspectModel(directory: string, { training, generation, checkWeights }: InspectionSettings): InspectedModel {
  try {
    const model = openModelDirectory(existingDirectory('model', directory));
    if (checkWeights) refuseNonFinite(model.tensors.values());
    const { contextLength } = model.config;
    const length = Math.min(training.length, contextLength);
    const promptTokens = Math.min(generation.promptTokens, contextLength);
    return describeUsable(model, {
      training: estimateTrainingMemory(model, { ...training, length }),
      generation: estimateGenerationMemory(model, { ...generation, promptTokens, newTokens: Math.min(generation.newTokens, contextLength - promptTokens) }),
    });
  } catch (error) {
    if (!(error instanceof BadInputError)) throw error;
    return { directory, usable: false, reason: error.message, refusal: error.detail };
  }
}

function describeUsable({ directory, config, tensors, storedDtype }: ModelDirectory, memory: UsableModel['memory']): UsableModel {
  const tokenizer = loadModelTokenizer(directory, config);
  const chatTemplate = hasChatTemplate(directory);
  if (chatTemplate) loadChatTemplate(directory);
  const files = modelFiles(directory);
  const { eosTokenIds, ...facts } = config;
  return {
    directory,
    usable: true,
    ...facts,
    parameters: [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0),
    dtype: storedDtype,
    tokens: tokenizer.vocabularySize,
    eosTokens: eosTokenIds.map((id) => ({ id, token: tokenizer.tokenOf(id) ?? '(no token)' })),
    chatTemplate,
    weightFiles: files.filter((name) => name.endsWith('.safetensors')),
    diskBytes: files.reduce((sum, name) => sum + statSync(join(directory, name)).size, 0),
    memory,
  };
}
