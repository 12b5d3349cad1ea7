import type { Command } from 'commander';
import { GRADERS } from '../../contracts/campaign-spec';
import { isAnswerGrader, type AnswerGrader } from '../../seal/graders/grade';
import { gradeReferenceResults } from '../../seal/reference-agreement';
import { newCommand, runWith, type CommonFlags } from '../command';
import { oneOf } from '../flags';
import { readInputJson } from '../input-file';

interface GradeFlags extends CommonFlags {
  readonly grader: AnswerGrader;
}

/** `logprob` judges no recorded answer: it asks a model for its probability. */
const ANSWER_GRADERS: readonly AnswerGrader[] = GRADERS.filter(isAnswerGrader);

/** `seal grade`: agreement of a grader with the verdicts that a results file records. */
export function gradeCommand(): Command {
  const command = newCommand('grade', "agreement of a grader with a results file's recorded verdicts, baseline and adapter answers alike")
    .argument('<file.json>', "results file in the reference's format")
    .requiredOption('--grader <name>', ANSWER_GRADERS.join(' or '), oneOf('--grader', ANSWER_GRADERS));
  return runWith<GradeFlags>(command, (flags, output, [file = '']) => {
    const agreement = gradeReferenceResults(readInputJson(file), file, flags.grader);
    output.result(agreement, () =>
      Object.entries(agreement)
        .map(([name, value]) => `${name.padEnd(18)}${typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(4) : String(value)}`)
        .join('\n'),
    );
  });
}
