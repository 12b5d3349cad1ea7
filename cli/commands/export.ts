import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { verifyPinnedFiles } from '../../activities/stored/model-directories';
import { BadInputError } from '../../campaign/errors';
import { MERGED_DTYPES, type MergedDtype } from '../../campaign/language-model';
import { openStoreFromEnvironment } from '../../storage/open-store';
import { newCommand, runWith, type CommonFlags } from '../command';
import { writableDirectory } from '../directories';
import { type ExportedPolicy, findPolicy, identityOf } from '../export/policy-lineage';
import { type Merge, writeExport } from '../export/write-export';
import { nonEmpty, oneOf, wholeNumber } from '../flags';
import { withLanguageModel } from '../language-model';
import type { Output } from '../output';
import { checkCampaignId } from '../start-campaign';

interface ExportFlags extends CommonFlags {
  readonly epoch: number;
  readonly out: string;
  readonly merge?: true;
  readonly dtype?: MergedDtype;
  readonly model?: string;
}

/** `seal export`: a campaign's policy as PEFT adapters, or merged as a Hugging Face model directory. */
export function exportCommand(): Command {
  const command = newCommand('export', 'write the policy after an epoch: its adapters in order, or merged as a model directory')
    .argument('<id>', 'campaign id')
    .requiredOption('--epoch <n>', 'epoch, from 1', wholeNumber('--epoch', 1))
    .requiredOption('--out <dir>', 'where to: a new or empty directory', nonEmpty('--out', 'a directory'))
    .option('--merge', 'merge base and adapters into one model')
    .option('--dtype <name>', 'how merged weights are stored: float32 or bfloat16 (default: float32)', oneOf('--dtype', MERGED_DTYPES))
    .option('--model <dir>', 'the base model, where it is not where the campaign found it', nonEmpty('--model', 'a directory'));
  return runWith<ExportFlags>(command, async (flags, output, [id = '']) => {
    const campaignId = checkCampaignId(id, 'campaign id');
    refuseWithoutMerge(flags);
    writableDirectory('--out', flags.out);
    const store = await openStoreFromEnvironment();
    try {
      const policy = await findPolicy(store, campaignId, flags.epoch);
      const { dtype = 'float32' } = flags;
      const identity = identityOf(policy, flags.merge === true ? 'merged' : 'adapters', dtype);
      const merge = flags.merge === true ? mergeWith(output, policy, dtype, flags.model) : undefined;
      const { unchanged } = await writeExport(store, policy, identity, flags.out, merge);
      const adapters = identity.adapters.map(({ epoch, files }) => ({ epoch, sha256: files['adapter_model.safetensors'] ?? null }));
      const document = { campaignId, epoch: flags.epoch, out: flags.out, kind: identity.kind, dtype, adapters, unchanged };
      const what = flags.merge === true ? `merged model (${dtype})` : `${adapters.length} adapter${adapters.length === 1 ? '' : 's'}`;
      output.result(document, () => `${what} in ${flags.out}${unchanged ? ', already there' : ''}`);
    } finally {
      store.close();
    }
  });
}

function refuseWithoutMerge({ merge, dtype, model }: ExportFlags): void {
  if (merge === true) return;
  for (const [flag, value] of [['--dtype', dtype], ['--model', model]] as const) {
    if (value !== undefined) throw new BadInputError({ where: flag, expected: '--merge beside it (adapters are written as they are)', got: value });
  }
}

/** The base's files are compared with those that the campaign pinned before anything is merged. */
function mergeWith(output: Output, { input }: ExportedPolicy, dtype: MergedDtype, modelDirectory?: string): Merge {
  const base = { ...input.model, directory: modelDirectory ?? input.model.directory };
  return async (adapterDirectories, outDirectory) => {
    if (!existsSync(base.directory)) {
      throw new BadInputError({ where: '--model', expected: 'the directory of the campaign\'s base model on this machine', got: `${base.directory}, which is not there` });
    }
    await verifyPinnedFiles(base);
    await withLanguageModel(output, 'merging', ({ model, options }) =>
      model.merge({ modelDirectory: base.directory, adapterDirectories, outDirectory, dtype }, options),
    );
  };
}
