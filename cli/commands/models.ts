import type { Command } from 'commander';
import type { BadInputDetail } from '../../campaign/errors';
import { newCommand, runWith, type CommonFlags } from '../command';
import { wholeNumber } from '../flags';
import { loraSettings } from '../lora-settings';
import { type InspectedModel, type UnusableModel, type UsableModel, inspectModel } from '../model-inspection';
import { PartialResultError } from '../partial-result-error';

interface ModelsFlags extends CommonFlags {
  readonly rank: number;
  readonly length: number;
  readonly batch: number;
  readonly rows: number;
  readonly maxNewTokens: number;
  readonly checkWeights?: true;
}

/** `seal models`: what model directories are, what they need, and why one cannot be used. */
export function modelsCommand(): Command {
  const command = newCommand('models', 'what model directories are, the memory they need, and why one cannot be used')
    .argument('<dir...>', 'Hugging Face model directories')
    .option('--rank <n>', 'training: rank of the adapter', wholeNumber('--rank', 1, 1024), 32)
    .option('--length <n>', 'training: tokens of a row; generation: of a prompt', wholeNumber('--length', 1), 256)
    .option('--batch <n>', 'training: rows of a step', wholeNumber('--batch', 1), 1)
    .option('--rows <n>', 'generation: prompts answered together', wholeNumber('--rows', 1), 16)
    .option('--max-new-tokens <n>', 'generation: longest continuation', wholeNumber('--max-new-tokens', 1), 64)
    .option('--check-weights', 'read every weight, to find one that is NaN or infinite');
  return runWith<ModelsFlags>(command, (flags, output, directories) => {
    const { rank, length, batch, rows, maxNewTokens } = flags;
    const training = { lora: loraSettings({ rank }, undefined), length, batch };
    const generation = { rows, promptTokens: length, newTokens: maxNewTokens };
    const models = directories.map((directory) => inspectModel(directory, { training, generation, checkWeights: flags.checkWeights === true }));
    const refused = models.flatMap((model) => (model.usable ? [] : [model]));
    if (refused.length === 0 || !output.json) output.result({ models }, () => models.map((model) => describeModel(model, flags)).join('\n\n'));
    if (refused.length > 0) throw new PartialResultError(refusalOf(refused, models.length), { models });
  });
}

function refusalOf(refused: readonly UnusableModel[], count: number): BadInputDetail {
  const [only] = refused;
  if (only !== undefined && refused.length === 1) return only.refusal;
  const names = refused.map(({ directory }) => directory).join(', ');
  return { where: 'models', expected: `${count} directories of models that can be used`, got: `${refused.length} that cannot: ${names}` };
}

function describeModel(model: InspectedModel, flags: ModelsFlags): string {
  if (!model.usable) return `${model.directory}\n  cannot be used: ${model.reason}`;
  const length = Math.min(flags.length, model.contextLength);
  const facts: readonly (readonly [name: string, value: string])[] = [
    ['architecture', `${model.architecture}, ${model.layers} layers of width ${model.width}, feed-forward ${model.ffnWidth}`],
    ['heads', `${model.heads} of ${model.headDim}, ${model.kvHeads} of keys and values`],
    ['parameters', `${millions(model.parameters)} in ${model.dtype}, output head ${model.tied ? 'tied to' : 'apart from'} the embeddings`],
    ['biases', model.biases.length === 0 ? 'none' : model.biases.join(', ')],
    ['context', `${model.contextLength} tokens`],
    ['rope', `theta ${model.ropeTheta}, ${scalingText(model)}`],
    ['vocabulary', `${model.vocabularySize} embeddings, ${model.tokens} tokens`],
    ['ends at', model.eosTokens.map(({ id, token }) => `${id} ${token}`).join(', ') || 'no token'],
    ['chat template', model.chatTemplate ? 'yes' : 'no'],
    ['files', `${model.weightFiles.length === 1 ? 'weights in one file' : `weights in ${model.weightFiles.length} shards`}, ${bytes(model.diskBytes)} in all`],
    ['training', `about ${bytes(model.memory.training.total)} (LoRA of rank ${flags.rank}, rows of ${length} tokens, ${flags.batch} a step)`],
    ['generation', `about ${bytes(model.memory.generation.total)} (${flags.rows} prompts of ${length} tokens, ${flags.maxNewTokens} new ones)`],
  ];
  return [model.directory, ...facts.map(([name, value]) => `  ${name.padEnd(14)} ${value}`)].join('\n');
}

function scalingText({ ropeScaling }: UsableModel): string {
  switch (ropeScaling?.type) {
    case undefined:
      return 'not scaled';
    case 'linear':
      return `all frequencies divided by ${ropeScaling.factor}`;
    case 'llama3':
      return `llama3, low frequencies divided by ${ropeScaling.factor} (from ${ropeScaling.originalContextLength} tokens)`;
  }
}

function millions(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(2)} billion`;
  return count >= 1e6 ? `${(count / 1e6).toFixed(1)} million` : String(count);
}

function bytes(count: number): string {
  if (count >= 1e9) return `${(count / 1e9).toFixed(1)} GB`;
  return count >= 1e6 ? `${Math.round(count / 1e6)} MB` : `${Math.ceil(count / 1e3)} kB`;
}
