/**
 * A self-edit's text as training rows.
 * Source: paper, "Knowledge Incorporation", and the reference's rules for splitting a completion: at `---`, then every
 * non-empty line (a self-QA completion: before every `Question N:`) is a sequence of its own, prefixed with the title.
 *
 * Departures: a run of more than three dashes is one separator, so that no stray dashes become a row; `Question N:`
 * begins a question only at the start of a line; a line without a letter or digit is no row; the passage row carries the
 * title like every other; no row is padded (the reference pads to 2048 tokens and trains on the padding).
 */
import type { Context, LossOn } from '../../contracts/campaign-spec';
import type { TrainingRow } from '../../contracts/language-model';

const SEPARATOR = /-{3,}/;
const QUESTION_START = /^(?=[ \t]*Question \d+:)/m;
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;

/**
 * The sequences of a self-edit, in order, without title.
 *
 * @param selfQa questions with answers were asked for. Who was asked for something else may write them all the same; who was
 * asked for them may stop after the first, whose `Question 1:` stands in the prompt.
 */
export function selfEditLines(text: string, selfQa = false): string[] {
  const pieces = text
    .split(SEPARATOR)
    .flatMap((segment) =>
      selfQa || QUESTION_START.test(segment) ? segment.split(QUESTION_START) : withoutLeadIn(nonEmptyLines(segment)),
    );
  return pieces.map((piece) => piece.trim()).filter((piece) => LETTER_OR_DIGIT.test(piece));
}

/** One row: `{title}\n{line}`, with the loss on all of it or on the line only. */
export function trainingRow(title: string, line: string, lossOn: LossOn): TrainingRow {
  return lossOn === 'all' ? { text: `${title}\n${line}` } : { prompt: `${title}\n`, completion: line };
}

/** The lines as rows, the passage itself last where it is included. */
export function trainingRows(
  context: Context,
  lines: readonly string[],
  settings: { readonly lossOn: LossOn; readonly includePassage: boolean },
): TrainingRow[] {
  const sequences = settings.includePassage ? [...lines, context.context] : lines;
  return sequences.map((line) => trainingRow(context.title, line, settings.lossOn));
}

function nonEmptyLines(text: string): string[] {
  return text.split(/\r\n|[\n\r\u2028\u2029]/).filter((line) => line.trim() !== '');
}

/** "Here are some implications:" before a numbered list says nothing of the passage. */
function withoutLeadIn(lines: string[]): string[] {
  return lines[1]?.trimStart().startsWith('1.') === true ? lines.slice(1) : lines;
}
