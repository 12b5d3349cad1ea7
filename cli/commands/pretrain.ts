import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import { newCommand, runWith, type CommonFlags } from '../command';
import { writableDirectory } from '../directories';
import { nonEmpty } from '../flags';
import { withLanguageModel } from '../language-model';
import { readPretrainFile, writeCorpus, writeTokenizer } from '../pretraining-inputs';

interface PretrainFlags extends CommonFlags {
  readonly out?: string;
}

/** `seal pretrain`: trains the nano model from scratch; started again, it goes on from its last checkpoint. */
export function pretrainCommand(): Command {
  const command = newCommand('pretrain', 'train a nano model from scratch on its generated world; started again, it goes on')
    .argument('<file.yaml>', 'pretraining file')
    .option('--out <dir>', 'where the model is written (default: model, beside the file)', nonEmpty('--out', 'a directory'));
  return runWith<PretrainFlags>(command, async (flags, output, [file = '']) => {
    const plan = readPretrainFile(file);
    const directory = flags.out ?? join(dirname(resolve(file)), 'model');
    writableDirectory('--out', directory);
    const workDirectory = `${directory}.unfinished`;
    const { model: shape, training, seed } = plan.spec;
    const eosTokenId = writeTokenizer(directory);
    output.log(`writing ${training.documents} documents of the world to ${workDirectory}`);
    const corpusFile = writeCorpus(plan, workDirectory);
    const result = await withLanguageModel(output, 'pretraining', ({ model, options }) =>
      model.pretrain({ model: shape, training, seed, outDirectory: directory, corpusFile, eosTokenId, workDirectory }, options),
    );
    output.result({ model: directory, ...result }, () =>
      `model of ${result.parameters} parameters in ${directory}: ${result.steps} steps, ${result.tokens} tokens, final loss ${result.finalLoss.toFixed(4)}`,
    );
  });
}
