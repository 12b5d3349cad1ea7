import type { Command } from 'commander';
import { GRADERS } from '../../campaign/campaign-spec';
import { BadInputError } from '../../campaign/errors';
import { type CrossValidation, crossValidate } from '../../reference/cross-validation';
import { type DisagreementSample, disagreements } from '../../reference/disagreements';
import { isAnswerGrader, type AnswerGrader } from '../../seal/graders/grade';
import { PASSAGE_HALVES, type PassageHalf, recordedVerdicts } from '../../reference/recorded-verdicts';
import { graderAgreement, type GraderAgreement } from '../../reference/reference-agreement';
import { newCommand, runWith, type CommonFlags } from '../command';
import { oneOf, wholeNumber } from '../flags';
import { readInputJson } from '../input-file';

interface GradeFlags extends CommonFlags {
  readonly grader: AnswerGrader;
  readonly crossValidate?: true;
  readonly folds?: number;
  readonly half?: PassageHalf;
  readonly disagreements?: number;
}

const DEFAULT_FOLDS = 5;
/** `logprob` and `judge` judge no recorded answer by rule: they ask a model. */
const ANSWER_GRADERS: readonly AnswerGrader[] = GRADERS.filter(isAnswerGrader);

/** `seal grade`: agreement of a grader with the verdicts that a results file records. */
export function gradeCommand(): Command {
  const command = newCommand('grade', "agreement of a grader with a results file's recorded verdicts, baseline and adapter answers alike")
    .argument('<file.json>', "results file in the reference's format")
    .requiredOption('--grader <name>', ANSWER_GRADERS.join(' or '), oneOf('--grader', ANSWER_GRADERS))
    .option('--cross-validate', "choose the grader's thresholds without the passages it is judged on")
    .option('--folds <n>', `with --cross-validate: groups of passages (default: ${DEFAULT_FOLDS})`, wholeNumber('--folds', 2, 1000))
    .option('--half <name>', `${PASSAGE_HALVES.join(' or ')} passages only, by the last digit of their ids (even or odd)`, oneOf('--half', PASSAGE_HALVES))
    .option('--disagreements <n>', 'show n answers on which grader and verdict differ', wholeNumber('--disagreements', 1));
  return runWith<GradeFlags>(command, (flags, output, [file = '']) => {
    const { grader } = flags;
    if (flags.folds !== undefined && flags.crossValidate !== true) {
      throw new BadInputError({ where: '--folds', expected: 'to stand beside --cross-validate', got: 'it alone' });
    }
    const answers = recordedVerdicts(readInputJson(file), file, flags.half);
    const shown = flags.disagreements === undefined ? undefined : disagreements(answers, grader, flags.disagreements);
    const print = (result: GraderAgreement, text: (result: GraderAgreement) => string[]): void => {
      output.result({ ...result, ...(shown && { disagreements: shown }) }, () => [...text(result), ...sampleLines(shown)].join('\n'));
    };
    if (flags.crossValidate === true) {
      const result = crossValidate(answers, file, grader, flags.folds ?? DEFAULT_FOLDS);
      print(result, () => foldTable(result));
    } else {
      print(graderAgreement(answers, grader), figures);
    }
  });
}

function figures(result: object): string[] {
  return Object.entries(result).map(([name, value]) => `${name.padEnd(23)}${figure(value)}`);
}

function figure(value: unknown): string {
  return typeof value === 'number' && !Number.isInteger(value) ? value.toFixed(4) : String(value);
}

function foldTable({ folds, ...overall }: CrossValidation): string[] {
  const rows = folds.map(({ fold, contexts, thresholds, n, distinctAnswers, agreement, distinctAgreement }) =>
    [
      String(fold).padEnd(6),
      String(contexts.length).padEnd(10),
      String(n).padEnd(8),
      String(distinctAnswers).padEnd(10),
      agreement.toFixed(4).padEnd(11),
      distinctAgreement.toFixed(4).padEnd(11),
      Object.entries(thresholds).map(([name, value]) => `${name} ${value}`).join(', ') || 'none',
    ].join(''),
  );
  return [
    'fold  passages  answers distinct  agreement  distinct   thresholds, chosen on the other folds',
    ...rows,
    '',
    'all folds, each judged with its own thresholds',
    ...figures(overall),
  ];
}

function sampleLines(shown: DisagreementSample | undefined): string[] {
  if (shown === undefined) return [];
  const lines = shown.sample.map(({ contextId, question, goldAnswer, answer, grade, verdict, times }) =>
    [
      '',
      `${contextId}  grader ${figure(grade)}, verdict ${verdict ? 'yes' : 'no'}, given ${times} ${times === 1 ? 'time' : 'times'}`,
      `  question: ${JSON.stringify(question)}`,
      `  gold:     ${JSON.stringify(goldAnswer)}`,
      `  answer:   ${JSON.stringify(answer)}`,
    ].join('\n'),
  );
  return ['', `disagreements: ${shown.sample.length} of ${shown.total} distinct answers`, ...lines];
}
