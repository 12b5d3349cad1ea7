/**
 * The answers of a results file with the verdicts that a judge gave them, baseline and adapter answers alike.
 * Source: reference results (GPT-4.1 verdicts).
 */
import { badField, placeIn } from '../campaign/bad-field';
import type { GradedAnswer } from '../seal/graders/graded-answer';
import { contextId } from '../seal/ids';
import { parseReferenceResults } from './reference-results';

/** One (question, gold answer, answer) of one passage; greedy answers recur in every repeat. */
export interface RecordedAnswer extends GradedAnswer {
  readonly contextId: string;
  /** One for each time it was given. */
  readonly verdicts: readonly boolean[];
}

/**
 * `development`: passages whose id ends in an even hex digit, the ones that grading rules were written on; `validation`:
 * the others.
 */
export const PASSAGE_HALVES = ['development', 'validation'] as const;
export type PassageHalf = (typeof PASSAGE_HALVES)[number];

/**
 * Distinct answers in the file's order.
 *
 * @param half answers about these passages only
 * @throws BadInputError for a malformed file or one without answers
 */
export function recordedVerdicts(json: unknown, where: string, half?: PassageHalf): readonly RecordedAnswer[] {
  const answers = new Map<string, RecordedAnswer & { readonly verdicts: boolean[] }>();
  for (const { title, context, prompt, completions } of parseReferenceResults(json, where).articles) {
    const passage = contextId(title, context ?? prompt);
    if (half !== undefined && half !== halfOf(passage)) continue;
    for (const { question, answer: goldAnswer, ...row } of completions.flatMap(({ questions }) => questions)) {
      for (const [answer, verdict] of [
        [row.baseline_answer, row.baseline_correct],
        [row.adapter_answer, row.adapter_correct],
      ] as const) {
        const key = JSON.stringify([passage, question, goldAnswer, answer]);
        const known = answers.get(key);
        if (known === undefined) answers.set(key, { contextId: passage, question, goldAnswer, answer, verdicts: [verdict] });
        else known.verdicts.push(verdict);
      }
    }
  }
  if (answers.size === 0) throw badField(placeIn(where), ['articles'], `completions with answered questions${half === undefined ? '' : ` in the ${half} half`}`, json);
  return [...answers.values()];
}

function halfOf(passage: string): PassageHalf {
  return Number.parseInt(passage.slice(-1), 16) % 2 === 0 ? 'development' : 'validation';
}
