import type { Command } from 'commander';
import { policyRowsJsonl, selectFromReferenceResults } from '../../reference/reference-selection';
import { newCommand, runWith, type CommonFlags } from '../command';
import { writableFile } from '../directories';
import { writeOutput } from '../output-file';
import { nonEmpty, oneOf, wholeNumber } from '../flags';
import { readInputJson } from '../input-file';

interface SelectFlags extends CommonFlags {
  readonly out: string;
  readonly rule: 'best-of-k' | 'improves';
  readonly keep: number;
}

/** `seal select`: ReST-EM selection on a results file in the reference's format. */
export function selectCommand(): Command {
  const command = newCommand('select', "keep each context's best self-edits of a results file, as training rows {prompt, completion}")
    .argument('<file.json>', "results file in the reference's format")
    .requiredOption('--out <file.jsonl>', 'where the kept rows are written', nonEmpty('--out', 'a file'))
    .option('--rule <name>', 'best-of-k, or improves (only those above the unadapted policy)', oneOf('--rule', ['best-of-k', 'improves'] as const), 'best-of-k')
    .option('--keep <n>', 'how many of each context', wholeNumber('--keep', 1), 1);
  return runWith<SelectFlags>(command, (flags, output, [file = '']) => {
    const { rows, contexts, kept } = selectFromReferenceResults(readInputJson(file), file, { rule: flags.rule, keep: flags.keep });
    writableFile('--out', flags.out);
    writeOutput('--out', flags.out, policyRowsJsonl(rows));
    output.result({ contexts, kept }, () => `kept ${kept} self-edits of ${contexts} contexts in ${flags.out}`);
  });
}
