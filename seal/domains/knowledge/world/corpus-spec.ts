/** The pretraining corpus: a sequence of phases, each a mix of document types. */
import { z } from 'zod';
import { SELF_EDIT_STYLES } from './self-edits';

const share = z.number().nonnegative();

/** Shares need not sum to 1, but not all may be 0. */
function shares<const Names extends readonly [string, ...string[]]>(names: Names): z.ZodType<Record<Names[number], number>> {
  return z
    .strictObject(Object.fromEntries(names.map((name) => [name, share])))
    .refine((weights) => Object.values(weights).some((weight) => weight > 0), { message: 'at least one share above 0' }) as unknown as z.ZodType<
    Record<Names[number], number>
  >;
}

const orderedPair = (message: string): z.ZodType<[number, number]> =>
  z.tuple([z.number().int().positive(), z.number().int().positive()]).refine(([fewest, most]) => fewest <= most, { message });

const DOCUMENT_TYPES = ['echo', 'selfEdit', 'statement', 'question'] as const;
export type DocumentType = (typeof DOCUMENT_TYPES)[number];

export const corpusSpecSchema = z
  .strictObject({
    /** Entities whose facts closed-book documents tell and ask, again and again. */
    knownEntities: z.number().int().positive().max(2000),
    selfEdits: z.strictObject({
      styles: shares(SELF_EDIT_STYLES),
      dominance: z.number().min(0).max(1),
      lines: orderedPair('[fewest, most] with fewest <= most'),
    }),
    /** Weight in the loss, by what a token is; a plain word of a line or statement counts 1. */
    lossWeights: z.strictObject({
      /** A self-edit's passage, a row's title, a question. */
      prompt: z.number().nonnegative(),
      name: z.number().positive(),
      value: z.number().positive(),
    }),
    phases: z
      .array(
        z.strictObject({
          /** How many documents; only the last phase has none, and goes on for ever. */
          documents: z.number().int().positive().optional(),
          mix: shares(DOCUMENT_TYPES),
          /** Fewest and most facts of a self-edit's passage. */
          facts: orderedPair('[fewest, most] with fewest <= most'),
          /** Instead of `selfEdits.styles`, in this phase. */
          styles: shares(SELF_EDIT_STYLES).optional(),
        }),
      )
      .nonempty(),
  })
  .superRefine(({ phases }, context) => {
    phases.forEach(({ documents }, i) => {
      const last = i === phases.length - 1;
      if ((documents === undefined) !== last) {
        context.addIssue({
          code: 'custom',
          message: last ? 'no number: the last phase goes on for ever' : 'a number of documents: only the last phase goes on for ever',
          path: ['phases', i, 'documents'],
          input: documents,
        });
      }
    });
  });
export type CorpusSpec = z.infer<typeof corpusSpecSchema>;
export type CorpusPhase = CorpusSpec['phases'][number];
