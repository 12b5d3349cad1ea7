/** A passage with its questions: the reference's flat list. Source: reference data, `iter0_train.json`. */
import { z } from 'zod';

export const NOT_BLANK = 'text that is not blank';
const SOME_QUESTIONS = 'a list of at least one {question, answer}';
const filledText = z.string(NOT_BLANK).min(1, NOT_BLANK);
const texts = z.array(z.string('a text'), 'a list of texts');

export const passageSchema = z.object(
  {
    title: z.string(NOT_BLANK),
    context: filledText,
    questions: z.array(z.object({ question: filledText, answer: filledText }, '{question, answer}'), SOME_QUESTIONS).nonempty(SOME_QUESTIONS),
    /** Recorded self-edits, for `proposals.source: recorded`. */
    completions: texts.optional(),
    /** The best training lines its author knows (the world's atomic statements), for the `oracle` baseline. */
    oracle: texts.optional(),
  },
  '{title, context, questions}',
);
export type Passage = z.infer<typeof passageSchema>;
export type Question = Passage['questions'][number];
