/**
 * The results file of the reference's E-step: every candidate's text, its reward, and every answer with its verdict.
 * Source: reference code, knowledge incorporation, the file its query server's client writes (`rank_iter0.json`).
 */
import { z } from 'zod';
import { parseBySchema, placeIn } from '../campaign/bad-field';

const answerSchema = z.object({
  question: z.string(),
  answer: z.string(),
  baseline_answer: z.string(),
  adapter_answer: z.string(),
  baseline_correct: z.boolean(),
  adapter_correct: z.boolean(),
});

const completionSchema = z.object({
  text: z.string(),
  stats: z.object({ baseline_mean: z.number(), adapter_mean: z.number() }),
  questions: z.array(answerSchema),
});

const resultsSchema = z.object({
  articles: z
    .array(
      z.object({
        title: z.string(),
        /** The passage; a file without it is told apart by its prompts. */
        context: z.string().optional(),
        prompt: z.string(),
        completions: z.array(completionSchema).nonempty('at least one completion'),
      }),
    )
    .nonempty('at least one article'),
});

export type ReferenceResults = z.infer<typeof resultsSchema>;

/**
 * Reads what selection and grading need of a results file; other fields are ignored.
 *
 * @throws BadInputError naming the first wrong field
 */
export function parseReferenceResults(json: unknown, where: string): ReferenceResults {
  return parseBySchema(resultsSchema, json, placeIn(where));
}
