/**
 * A self-edit's text as training rows.
 * Source: paper, "Knowledge Incorporation", and the reference's rules for splitting a completion: at `---`, then every
 * non-empty line (a self-QA completion: before every `Question N:`) is a sequence of its own, prefixed with the title.
 *
 * Departures: a run of more than three dashes is one separator, so that no stray dashes become a row; `Question N:`
 * begins a question only at the start of a line; a line without a letter or digit is no row; the passage row carries the
 * title like every other; every row ends with one EOS and its loss, where the reference pads each with EOS to 2048 tokens and trains on all
 * of them; a line that its policy did not finish, for want of tokens, has none.
 */
import type { LossOn } from '../../../campaign/campaign-spec';
import type { Passage } from './passage';
import type { TrainingRow } from '../../../campaign/language-model';

const SEPARATOR = /-{3,}/;
const QUESTION_START = /^(?=[ \t]*Question \d+:)/m;
const LINE_END = /\r\n|[\n\r\u2028\u2029]/;
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

/** Whether a text that stops short stops within the last of its lines (of its questions with answers), rather than between two. */
export function endsWithinLine(text: string, selfQa = false): boolean {
  const segment = text.split(SEPARATOR).at(-1) ?? '';
  const pieces = segment.split(selfQa || QUESTION_START.test(segment) ? QUESTION_START : LINE_END);
  return LETTER_OR_DIGIT.test(pieces.at(-1) ?? '');
}

/** One row: `{title}\n{line}`, with the loss on all of it or on the line only, and on its EOS. */
export function trainingRow(title: string, line: string, lossOn: LossOn, endsWithEos = true): TrainingRow {
  return lossOn === 'all' ? { text: `${title}\n${line}`, endsWithEos } : { prompt: `${title}\n`, completion: line, endsWithEos };
}

/**
 * The lines as rows, the passage itself last where it is included.
 *
 * @param settings.isLastUnfinished the last line has no end to learn. @default false
 */
export function trainingRows(
  { title, context }: Pick<Passage, 'title' | 'context'>,
  lines: readonly string[],
  { lossOn, includePassage, isLastUnfinished = false }: { readonly lossOn: LossOn; readonly includePassage: boolean; readonly isLastUnfinished?: boolean },
): TrainingRow[] {
  const rows = lines.map((line, i) => trainingRow(title, line, lossOn, !(isLastUnfinished && i === lines.length - 1)));
  return includePassage ? [...rows, trainingRow(title, context, lossOn)] : rows;
}

function nonEmptyLines(text: string): string[] {
  return text.split(LINE_END).filter((line) => line.trim() !== '');
}

/** "Here are some implications:" before a numbered list says nothing of the passage. */
function withoutLeadIn(lines: string[]): string[] {
  return lines[1]?.trimStart().startsWith('1.') === true ? lines.slice(1) : lines;
}
