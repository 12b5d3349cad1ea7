import { z } from 'zod';

const positiveInt = z.number().int().positive();

/** Shape of a Llama model to be trained from scratch. Its vocabulary is the tokenizer's; the head is tied to the embedding. */
const pretrainModelSchema = z
  .strictObject({
    width: positiveInt.max(16_384),
    layers: positiveInt.max(256),
    heads: positiveInt.max(1024),
    kvHeads: positiveInt.max(1024),
    ffnWidth: positiveInt.max(65_536),
    contextLength: positiveInt.max(1_048_576).default(2048),
    ropeTheta: z.number().positive().default(10_000),
    normEpsilon: z.number().positive().default(1e-5),
  })
  .refine(({ width, heads }) => width % (2 * heads) === 0, { message: 'a width that heads of an even size divide', path: ['width'] })
  .refine(({ heads, kvHeads }) => heads % kvHeads === 0, { message: 'a divisor of heads', path: ['kvHeads'] });
export type PretrainModel = z.infer<typeof pretrainModelSchema>;

const pretrainTrainingSchema = z.strictObject({
  /** Of the corpus, in its order; packed into rows, each seen once. */
  documents: positiveInt.max(100_000_000),
  /** Rows a step. */
  rows: positiveInt.max(4096),
  /** Tokens a row; at most the model's `contextLength`. */
  length: positiveInt.max(1_048_576),
  /** Peak learning rate of Muon, for the hidden matrices. */
  matrixLearningRate: z.number().positive().default(0.02),
  matrixMomentum: z.number().min(0).max(1).default(0.95),
  /** Peak learning rate of AdamW, for embedding and norms. */
  learningRate: z.number().positive().default(3e-3),
  /** AdamW's second-moment decay. */
  beta2: z.number().min(0).max(1).default(0.95),
  warmupSteps: z.number().int().nonnegative().default(50),
  /** The learning rate falls linearly to 0 over this last part of the steps. */
  decayFraction: z.number().positive().max(1).default(0.5),
});
export type PretrainTraining = z.infer<typeof pretrainTrainingSchema>;

/** `seal pretrain FILE.yaml`. */
export const pretrainSpecSchema = z
  .strictObject({
    name: z.string().min(1),
    seed: z.number().int().nonnegative().max(2 ** 32 - 1),
    /** World file, relative to this one. */
    world: z.string().min(1),
    /** What the documents are like; `seal/domains/knowledge/world/corpus-spec.ts` validates it. */
    corpus: z.unknown(),
    model: pretrainModelSchema,
    training: pretrainTrainingSchema,
  })
  .superRefine(({ model: { contextLength }, training: { length } }, context) => {
    if (length > contextLength) context.addIssue({ code: 'custom', path: ['training', 'length'], message: `at most model.contextLength, which is ${contextLength}` });
  });
export type PretrainSpec = z.infer<typeof pretrainSpecSchema>;
