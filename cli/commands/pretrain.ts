import { dirname, join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ComputeProgress } from '../../campaign/language-model';
import { newCommand, runWith, type CommonFlags } from '../command';
import { writableDirectory } from '../directories';
import { nonEmpty, realNumber } from '../flags';
import { withLanguageModel } from '../language-model';
import { readPretrainFile, writeCorpus, writeTokenizer } from '../pretraining-inputs';
import { openPretrainingStore } from '../pretraining-store';

interface PretrainFlags extends CommonFlags {
  readonly out?: string;
  readonly store?: boolean;
  readonly checkpointSeconds: number;
}

/** `seal pretrain`: trains the nano model from scratch; started again, it goes on from its last checkpoint. */
export function pretrainCommand(): Command {
  const command = newCommand('pretrain', 'train a nano model from scratch on its generated world; started again, it goes on')
    .argument('<file.yaml>', 'pretraining file')
    .option('--out <dir>', 'where the model is written (default: model, beside the file)', nonEmpty('--out', 'a directory'))
    .option('--store', 'keep checkpoints in the artifact store too, so that another machine of the same kind can go on')
    .option('--checkpoint-seconds <s>', 'between two checkpoints', realNumber('--checkpoint-seconds', { minimum: 0, inclusive: true, maximum: 86_400 }), 60);
  return runWith<PretrainFlags>(command, async (flags, output, [file = '']) => {
    const plan = readPretrainFile(file);
    const directory = flags.out ?? join(dirname(resolve(file)), 'model');
    writableDirectory('--out', directory);
    const workDirectory = `${directory}.unfinished`;
    const { model: shape, training, seed } = plan.spec;
    const eosTokenId = writeTokenizer(directory);
    output.log(`writing ${training.documents} documents of the world to ${workDirectory}`);
    const corpusFile = writeCorpus(plan, workDirectory);
    const { checkpointSeconds } = flags;
    const request = { model: shape, training, seed, outDirectory: directory, corpusFile, eosTokenId, workDirectory, checkpointSeconds };
    const store = flags.store === true ? await openPretrainingStore(request, (line) => output.log(line)) : undefined;
    try {
      await store?.fetchNewer();
      const result = await withLanguageModel(output, 'pretraining', ({ model, options }) => {
        const onProgress = (progress: ComputeProgress): void => {
          if (progress.checkpoint !== undefined) store?.uploads.take(progress.checkpoint);
          options.onProgress(progress);
        };
        return model.pretrain(request, { ...options, onProgress }).finally(() => store?.uploads.settle());
      });
      await store?.discard();
      output.result({ model: directory, ...result }, () =>
        `model of ${result.parameters} parameters in ${directory}: ${result.steps} steps, ${result.tokens} tokens, final loss ${result.finalLoss.toFixed(4)}`,
      );
    } finally {
      store?.close();
    }
  });
}
