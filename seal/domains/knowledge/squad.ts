/**
 * SQuAD as it is published: articles of paragraphs of questions (v1.1 and v2.0), and the rows of the hub's data set, one a question.
 * Source: SQuAD, `train-v1.1.json`, `train-v2.0.json`; the data sets `squad` and `squad_v2` of the Hugging Face hub.
 */
import { z } from 'zod';
import { type Passage, NOT_BLANK, type Question } from './passage';
import type { LoadedTasks } from '../domain';

/** Half a surrogate pair has no UTF-8, so neither hash nor tokens. */
export const LONE_SURROGATE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/;
export const UNICODE = 'Unicode text, without half a surrogate pair';

const text = z
  .string(NOT_BLANK)
  .refine((value) => value.trim() !== '', NOT_BLANK)
  .refine((value) => !LONE_SURROGATE.test(value), UNICODE);
const isImpossible = z.boolean('true or false').nullish();

const answer = z.object({ text }, '{text, answer_start}');
const qa = z.object({ question: text, answers: z.array(answer, 'a list of {text, answer_start}'), is_impossible: isImpossible }, '{question, answers}');
const paragraph = z.object({ context: text, qas: z.array(qa, 'a list of {question, answers}') }, '{context, qas}');
export const articleSchema = z.object({ title: text, paragraphs: z.array(paragraph, 'a list of {context, qas}') }, '{title, paragraphs}');

const answers = z.object({ text: z.array(text, 'a list of texts') }, '{text, answer_start}');
export const rowSchema = z.object({ title: text, context: text, question: text, answers, is_impossible: isImpossible }, '{title, context, question, answers}');

/** A question with its passage, `answer` null where there is none; or, without a question, a passage alone. */
interface Asked {
  readonly title: string;
  readonly context: string;
  readonly question?: string;
  readonly answer?: string | null;
}

/** The first answer is the gold one. */
export function askedInArticle({ title, paragraphs }: z.output<typeof articleSchema>): Asked[] {
  return paragraphs.flatMap(({ context, qas }): Asked[] => {
    if (qas.length === 0) return [{ title, context }];
    return qas.map((asked) => ({ title, context, question: asked.question, answer: asked.is_impossible === true ? null : (asked.answers[0]?.text ?? null) }));
  });
}

export function askedInRow({ title, context, question, answers: { text: [first] }, is_impossible: impossible }: z.output<typeof rowSchema>): Asked[] {
  return [{ title, context, question, answer: impossible === true ? null : (first ?? null) }];
}

/** Passages in order of first appearance, each with all its questions that have an answer. */
export function groupByPassage(asked: readonly Asked[]): LoadedTasks<Passage> {
  const passages = new Map<string, { title: string; context: string; questions: Question[] }>();
  let unanswerable = 0;
  for (const { title, context, question, answer } of asked) {
    const key = JSON.stringify([title, context]);
    const passage = passages.get(key) ?? { title, context, questions: [] };
    passages.set(key, passage);
    if (question === undefined) continue;
    if (answer === null || answer === undefined) unanswerable += 1;
    else passage.questions.push({ question, answer });
  }
  const contexts = [...passages.values()].flatMap(({ title, context, questions: [first, ...others] }): Passage[] =>
    first === undefined ? [] : [{ title, context, questions: [first, ...others] }],
  );
  return { contexts, leftOut: { unanswerable, withoutQuestions: passages.size - contexts.length } };
}
