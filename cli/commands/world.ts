import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { worldContexts } from '../../seal/domains/knowledge/world/contexts';
import { worldSpecSchema } from '../../seal/domains/knowledge/world/world-spec';
import { newCommand, runWith, type CommonFlags } from '../command';
import { writableDirectory } from '../directories';
import { writeOutput } from '../output-file';
import { nonEmpty, wholeNumber } from '../flags';
import { readYamlFile } from '../yaml-file';

interface WorldFlags extends CommonFlags {
  readonly out: string;
  readonly train: number;
  readonly heldOut: number;
}

/** `seal world`: writes the passages and questions of a generated world, as campaigns read them. */
export function worldCommand(): Command {
  const command = newCommand('world', "write a generated world's passages and questions: train.json and held-out.json")
    .argument('<file.yaml>', 'world file')
    .requiredOption('--out <dir>', 'where to', nonEmpty('--out', 'a directory'))
    .option('--train <n>', 'training passages', wholeNumber('--train', 1), 100)
    .option('--held-out <n>', 'held-out passages', wholeNumber('--held-out', 1), 100);
  return runWith<WorldFlags>(command, (flags, output, [file = '']) => {
    const { value: spec } = readYamlFile(file, worldSpecSchema);
    const train = worldContexts(spec, 'train', 0, flags.train);
    const heldOut = worldContexts(spec, 'heldOut', 0, flags.heldOut);
    writableDirectory('--out', flags.out);
    mkdirSync(flags.out, { recursive: true });
    const files = { train: join(flags.out, 'train.json'), heldOut: join(flags.out, 'held-out.json') };
    writeOutput('--out', files.train, `${JSON.stringify(train, null, 2)}\n`);
    writeOutput('--out', files.heldOut, `${JSON.stringify(heldOut, null, 2)}\n`);
    output.result({ files, train: train.length, heldOut: heldOut.length }, () => `${train.length} passages in ${files.train}, ${heldOut.length} in ${files.heldOut}`);
  });
}
